using System.Text.Json.Serialization;

namespace FederatedDpLlm.Router.Endpoints;

/// <summary>OpenAI's <c>chat.completion</c> or <c>chat.completion.chunk</c>, with what the answer cost under <c>privacy</c>.</summary>
internal sealed record ChatResponse(
    string Id, string Object, long Created, string Model, IReadOnlyList<ChatChoice> Choices, ChatUsage? Usage = null, PrivacyResponse? Privacy = null);

internal sealed record ChatChoice(int Index, ChatResponseMessage? Message = null, ChatResponseMessage? Delta = null, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? FinishReason = null);

internal sealed record ChatResponseMessage(string? Role = null, string? Content = null);

internal sealed record ChatUsage(int PromptTokens, int CompletionTokens, int TotalTokens);

/// <summary>What the answer cost and on which accounts. Amounts are in each account's own unit.</summary>
internal sealed record PrivacyResponse(
    string Mechanism,
    double Epsilon,
    double Delta,
    double Rho,
    IReadOnlyList<AccountResponse> Accounts,
    int Voters,
    [property: JsonPropertyName("auditEntry")] long AuditEntry,
    string Trust,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Reason,
    IReadOnlyList<string> Nodes,
    string Strategy,
    [property: JsonPropertyName("requestId")] string RequestId,
    LostResponse? Lost = null);

/// <summary>What earlier draws of the same request cost that came to no answer: charged beside the rest.</summary>
internal sealed record LostResponse(double Epsilon, double Rho);

internal sealed record AccountResponse(
    string Id,
    string Kind,
    double Charged,
    double Remaining,
    [property: JsonPropertyName("resetsAt"), JsonIgnore(Condition = JsonIgnoreCondition.Never)] DateTimeOffset? ResetsAt,
    string Unit);
