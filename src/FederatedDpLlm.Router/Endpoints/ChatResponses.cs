using FederatedDpLlm.Budgets;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Wire;
using FederatedDpLlm.Routing;

namespace FederatedDpLlm.Router.Endpoints;

/// <summary>Answers in OpenAI's shapes.</summary>
internal static class ChatResponses
{
    /// <summary>The whole answer: what a plain request gets, and what is kept for a repeat.</summary>
    public static ChatResponse Whole(RoutedQuestion question, RouteCompletion completion, IReadOnlyList<string> texts) => Head(question) with
    {
        Choices = [.. texts.Select((text, index) => new ChatChoice(index, Message: new ChatResponseMessage("assistant", text), FinishReason: Finish(completion.Finishes[index])))],
        Usage = new ChatUsage(completion.PromptTokens, completion.CompletionTokens, completion.PromptTokens + completion.CompletionTokens),
        Privacy = Privacy(question, completion),
    };

    /// <summary>What every chunk of a stream begins with.</summary>
    public static ChatResponse Head(RoutedQuestion question) =>
        new("chatcmpl-" + question.RequestId, "chat.completion", question.AskedAt.ToUnixTimeSeconds(), question.Model, []);

    public static ChatResponse Chunk(ChatResponse head, ChatChoice choice) =>
        head with { Object = "chat.completion.chunk", Choices = [choice], Usage = null, Privacy = null };

    /// <summary>An answer's last chunk; the question's last one carries what it cost.</summary>
    public static ChatResponse FinishChunk(ChatResponse whole, ChatChoice choice, bool withPrivacy) =>
        Chunk(whole, new ChatChoice(choice.Index, Delta: new ChatResponseMessage(), FinishReason: choice.FinishReason)) with { Privacy = withPrivacy ? whole.Privacy : null };

    public static ChatResponse UsageChunk(ChatResponse whole) => whole with { Object = "chat.completion.chunk", Choices = [] };

    private static string Finish(FinishReason reason) => reason == FinishReason.Length ? "length" : "stop";

    private static PrivacyResponse Privacy(RoutedQuestion question, RouteCompletion completion) => new(
        QuestionWire.NameOf(question.Question.Mechanism),
        completion.Cost.Epsilon.Value,
        completion.Cost.Delta.Value,
        completion.Cost.Rho.Value,
        [.. completion.Accounts.Select(account => new AccountResponse(
            account.Id, account.Kind == AccountKind.Data ? "data" : "quota", account.Charged.ToDouble(), account.Remaining.ToDouble(), account.ResetsAt, account.Currency))],
        completion.Voters,
        completion.AuditEntry,
        question.Trust == NoisePlace.Node ? "node" : "router",
        completion.Reason,
        completion.Nodes,
        completion.Strategy,
        question.RequestId,
        completion.Lost is { } lost ? new LostResponse(lost.Epsilon.Value, lost.Rho.Value) : null);
}
