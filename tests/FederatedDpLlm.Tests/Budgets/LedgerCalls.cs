using FederatedDpLlm.Budgets;
using FederatedDpLlm.Security.Audit;

namespace FederatedDpLlm.Tests.Budgets;

/// <summary>Short forms of the ledger's calls, for tests that make many.</summary>
internal static class LedgerCalls
{
    public static Task<ReserveOutcome> Reserve(this IBudgetLedger ledger, string requestId, params (string Account, long Units)[] charges) =>
        ledger.ReserveAsync(requestId, LedgerFolder.Charges(charges), LedgerFolder.Audit(), LedgerFolder.Cancel);

    public static Task<Settlement> Commit(this IBudgetLedger ledger, string requestId, params (string Account, long Units)[] spent) =>
        ledger.CommitAsync(requestId, LedgerFolder.Charges(spent), LedgerFolder.Audit(AuditDecision.Answered), LedgerFolder.Cancel);

    public static Task<Settlement> Release(this IBudgetLedger ledger, string requestId) =>
        ledger.ReleaseAsync(requestId, LedgerFolder.Audit(AuditDecision.Failed), LedgerFolder.Cancel);

    public static Task Ensure(this IBudgetLedger ledger, AccountPolicy policy) => ledger.EnsureAccountAsync(policy, LedgerFolder.Cancel);

    /// <summary>(spent, reserved, remaining) in units.</summary>
    public static (long Spent, long Reserved, long Remaining) Balance(this IBudgetLedger ledger, string account)
    {
        var state = ledger.Find(new AccountId(account))!;
        return (state.Spent.Value, state.Reserved.Value, state.Remaining.Value);
    }
}
