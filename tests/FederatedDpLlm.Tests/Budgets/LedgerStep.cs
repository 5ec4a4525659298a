using FederatedDpLlm.Budgets;

namespace FederatedDpLlm.Tests.Budgets;

internal enum LedgerStepKind
{
    Reserve,
    Commit,
    Release,
}

/// <summary>One call of a random program.</summary>
internal sealed record LedgerStep(LedgerStepKind Kind, string RequestId, IReadOnlyDictionary<string, long> Charges)
{
    public async Task<string> ApplyAsync(IBudgetLedger ledger, string prefix)
    {
        var charges = Charges.Select(charge => (prefix + charge.Key, charge.Value)).ToArray();
        try
        {
            switch (Kind)
            {
                case LedgerStepKind.Reserve:
                    return await ledger.Reserve(prefix + RequestId, charges) switch
                    {
                        ReserveOutcome.Reserved => "reserved",
                        ReserveOutcome.Exhausted refused => "exhausted " + refused.Account.Policy.Id,
                        ReserveOutcome.UnknownAccount refused => "unknown " + refused.Account,
                        _ => "seen",
                    };
                case LedgerStepKind.Commit:
                    await ledger.Commit(prefix + RequestId, charges);
                    return "settled";
                default:
                    await ledger.Release(prefix + RequestId);
                    return "settled";
            }
        }
        catch (InvalidOperationException)
        {
            return "error";
        }
    }
}
