using FederatedDpLlm.Budgets;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Wire;
using FederatedDpLlm.Routing;

namespace FederatedDpLlm.Router.Endpoints;

/// <summary>Answers in OpenAI's shapes.</summary>
internal static class ChatResponses
{
    public static ChatResponse Whole(RoutedQuestion question, RouteCompletion completion, string text, DateTimeOffset now) => new(
        Id(question), "chat.completion", now.ToUnixTimeSeconds(), question.Model,
        [new ChatChoice(0, Message: new ChatResponseMessage("assistant", text), FinishReason: Finish(completion))], Usage(completion), Privacy(question, completion));

    public static ChatResponse Chunk(RoutedQuestion question, DateTimeOffset now, ChatResponseMessage delta) =>
        new(Id(question), "chat.completion.chunk", now.ToUnixTimeSeconds(), question.Model, [new ChatChoice(0, Delta: delta)]);

    public static ChatResponse LastChunk(RoutedQuestion question, DateTimeOffset now, RouteCompletion completion, bool withPrivacy) =>
        new(Id(question), "chat.completion.chunk", now.ToUnixTimeSeconds(), question.Model,
            [new ChatChoice(0, Delta: new ChatResponseMessage(), FinishReason: Finish(completion))], null, withPrivacy ? Privacy(question, completion) : null);

    public static ChatResponse UsageChunk(RoutedQuestion question, DateTimeOffset now, RouteCompletion completion) =>
        new(Id(question), "chat.completion.chunk", now.ToUnixTimeSeconds(), question.Model, [], Usage(completion), Privacy(question, completion));

    private static string Id(RoutedQuestion question) => "chatcmpl-" + question.RequestId;

    private static string Finish(RouteCompletion completion) => completion.FinishReason == FinishReason.Length ? "length" : "stop";

    private static ChatUsage Usage(RouteCompletion completion) =>
        new(completion.PromptTokens, completion.CompletionTokens, completion.PromptTokens + completion.CompletionTokens);

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
        question.RequestId);
}
