using FederatedDpLlm.Inference;

namespace FederatedDpLlm.Routing;

/// <summary>How an answer ended and what it cost, for the caller.</summary>
/// <param name="Nodes">The hospitals that took part.</param>
/// <param name="Strategy">How they were chosen.</param>
/// <param name="Cost">Of what ran, for one patient of one hospital.</param>
/// <param name="Accounts">Every account that was charged, quotas first.</param>
/// <param name="Voters">Over all hospitals that took part.</param>
/// <param name="AuditEntry">The index of the router's audit entry of this answer.</param>
/// <param name="Reason">Why it cost nothing; null where it cost something.</param>
public sealed record RouteCompletion(
    IReadOnlyList<string> Nodes,
    string Strategy,
    AnswerCost Cost,
    IReadOnlyList<ChargedAccount> Accounts,
    int Voters,
    long AuditEntry,
    string? Reason,
    FinishReason FinishReason,
    int PromptTokens,
    int CompletionTokens);
