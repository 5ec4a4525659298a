using FederatedDpLlm.Inference;

namespace FederatedDpLlm.Routing;

/// <summary>How an answer ended and what it cost, for the caller.</summary>
/// <param name="Nodes">The hospitals that took part.</param>
/// <param name="Strategy">How they were chosen.</param>
/// <param name="Cost">Of what ran for all answers together, for one patient of one hospital.</param>
/// <param name="Accounts">Every account that was charged, quotas first.</param>
/// <param name="Voters">Over all hospitals that took part.</param>
/// <param name="AuditEntry">The index of the router's audit entry of this answer.</param>
/// <param name="Reason">Why it cost nothing; null where it cost something.</param>
/// <param name="Finishes">How each answer ended.</param>
/// <param name="PromptTokens">Of the asker's own messages.</param>
/// <param name="CompletionTokens">Of all answers together.</param>
public sealed record RouteCompletion(
    IReadOnlyList<string> Nodes,
    string Strategy,
    AnswerCost Cost,
    IReadOnlyList<ChargedAccount> Accounts,
    int Voters,
    long AuditEntry,
    string? Reason,
    IReadOnlyList<FinishReason> Finishes,
    int PromptTokens,
    int CompletionTokens)
{
    /// <summary>What draws before this one cost that came to no answer; null where there were none. Quotas paid for it beside what <see cref="Accounts"/> says.</summary>
    public AnswerCost? Lost { get; init; }
}
