using FederatedDpLlm.Models.Prompts;

namespace FederatedDpLlm.Inference.Engines;

/// <summary>How questions become the tokens that a model of this project reads: what is cut where the context is too short.</summary>
/// <param name="template">The model's.</param>
/// <param name="contextTokens">The longest context.</param>
internal sealed class ModelPrompts(PromptTemplate template, int contextTokens)
{
    // Of the context, kept for records where a question is long.
    private const int RecordsShare = 3;

    public PromptTemplate Template => template;

    public int Count(IReadOnlyList<ChatMessage> messages) => template.Encode(Turns(messages), [], int.MaxValue).Count;

    /// <summary>A question too long for the context loses its middle first, down to what leaves a third of the context to records; records then lose theirs.</summary>
    public (IReadOnlyList<IReadOnlyList<int>> Contexts, IReadOnlyList<IReadOnlyList<int>> Answers) ForScores(IReadOnlyList<ChatContext> contexts, IReadOnlyList<string> options)
    {
        var answers = options.Select(template.EncodeAnswer).ToList();
        var budget = contextTokens - answers.Max(answer => answer.Count);
        var turns = Turns(MessageFit.Cut(contexts[0].Messages, budget - (budget / RecordsShare), Count));
        return ([.. contexts.Select(context => template.Encode(turns, context.Records, budget))], answers);
    }

    /// <summary>Contexts with room for the longest answer.</summary>
    public IReadOnlyList<IReadOnlyList<int>> ForAnswer(IReadOnlyList<ChatContext> contexts, int maxTokens) =>
        [.. contexts.Select(context => template.Encode(Turns(context.Messages), context.Records, contextTokens - maxTokens))];

    private static List<PromptTurn> Turns(IReadOnlyList<ChatMessage> messages) => [.. messages.Select(message => new PromptTurn(message.Role, message.Content))];
}
