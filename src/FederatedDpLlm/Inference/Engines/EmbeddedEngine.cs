using System.Runtime.CompilerServices;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Prompts;
using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Inference.Engines;

/// <summary>The engine inside the node's own process. Its logits have the same bits on every machine, so nodes of one model agree on the public ones.</summary>
/// <param name="model">The weights; shared by all questions.</param>
/// <param name="name">The model's public name.</param>
/// <param name="random">For the public path, whose tokens are sampled here.</param>
public sealed class EmbeddedEngine(LanguageModel model, string name, ISecureRandom random) : IInferenceEngine, IDisposable
{
    // Contexts of one pass: bounds the cache's memory.
    private const int PassContexts = 32;

    // Of the context, kept for records where a question is long.
    private const int RecordsShare = 3;

    private readonly DecodingSteps _steps = new(new EngineTurns());

    public EngineCapabilities Capabilities { get; } = new(name, model.Configuration.Context, Scores: true, Logits: true, int.MaxValue);

    public int CountTokens(IReadOnlyList<ChatMessage> messages) => model.Template.Encode(Turns(messages), [], int.MaxValue).Count;

    /// <inheritdoc/>
    /// <remarks>A question too long for the context loses its middle first, down to what leaves a third of the context to records; records then lose theirs.</remarks>
    public Task<IReadOnlyList<IReadOnlyList<OptionScore>>> ScoreAsync(IReadOnlyList<ChatContext> contexts, IReadOnlyList<string> options, CancellationToken cancellationToken) =>
        _steps.Turns.RunAsync(
            () =>
            {
                var answers = options.Select(model.Template.EncodeAnswer).ToList();
                var budget = model.Configuration.Context - answers.Max(answer => answer.Count);
                var messages = MessageFit.Cut(contexts[0].Messages, budget - (budget / RecordsShare), CountTokens);
                var scores = new List<IReadOnlyList<OptionScore>>();
                foreach (var part in contexts.Chunk(PassContexts))
                {
                    using var batch = model.OpenBatch([.. part.Select(context => model.Template.Encode(Turns(messages), context.Records, budget))], cancellationToken);
                    scores.AddRange(batch.Score(answers, cancellationToken).Select(row => row.Select((likelihood, option) => new OptionScore(likelihood, answers[option].Count)).ToList()));
                }

                return (IReadOnlyList<IReadOnlyList<OptionScore>>)scores;
            },
            cancellationToken);

    public Task<IDecodingBatch> OpenDecodingAsync(IReadOnlyList<ChatContext> contexts, int maxTokens, CancellationToken cancellationToken) =>
        _steps.Turns.RunAsync<IDecodingBatch>(
            () =>
            {
                var budget = model.Configuration.Context - maxTokens;
                var tokens = contexts.Select(context => model.Template.Encode(Turns(context.Messages), context.Records, budget)).ToList();
                return new EmbeddedDecodingBatch(model, model.OpenBatch(tokens, cancellationToken), _steps);
            },
            cancellationToken);

    public async IAsyncEnumerable<GeneratedText> GenerateAsync(ChatContext context, GenerationOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var batch = await OpenDecodingAsync([context], options.MaxTokens, cancellationToken).ConfigureAwait(false);
        await using var _ = batch.ConfigureAwait(false);
        var shaping = new TokenShaping(options.Sampling);
        var sampler = new TokenSampler(random);
        var stop = new StopTexts(options.Stop);
        var (shown, ended) = (0, false);
        for (var i = 0; i < options.MaxTokens && !ended; i++)
        {
            var token = sampler.Sample(shaping.Shape(batch.Candidates, batch.Logits(0)), options.Sampling.Temperature);
            if (batch.IsEnd(token))
            {
                ended = true;
                break;
            }

            shaping.Release(token);
            await batch.AppendAsync(token, cancellationToken).ConfigureAwait(false);
            yield return new GeneratedText(stop.Push(batch.Text[shown..]));
            (shown, ended) = (batch.Text.Length, stop.Found);
        }

        yield return new GeneratedText(stop.Rest(), Tokens: 0, ended ? FinishReason.Stop : FinishReason.Length);
    }

    public void Dispose() => _steps.Turns.Dispose();

    private static List<PromptTurn> Turns(IReadOnlyList<ChatMessage> messages) => [.. messages.Select(message => new PromptTurn(message.Role, message.Content))];
}
