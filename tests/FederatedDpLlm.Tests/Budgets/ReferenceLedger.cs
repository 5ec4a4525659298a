namespace FederatedDpLlm.Tests.Budgets;

/// <summary>The ledger as a beginner would write it: dictionaries, arbitrary-precision integers, one thread.</summary>
internal sealed class ReferenceLedger
{
    private readonly Dictionary<string, Int128> _budgets = [];
    private readonly Dictionary<string, Int128> _spent = [];
    private readonly Dictionary<string, Dictionary<string, long>> _open = [];
    private readonly HashSet<string> _seen = [];

    public void Ensure(string account, long budget)
    {
        _budgets[account] = budget;
        _spent.TryAdd(account, 0);
    }

    public (long Spent, long Reserved) Balance(string account) => ((long)_spent[account], (long)Reserved(account));

    /// <summary>What the step comes to, in a word.</summary>
    public string Apply(LedgerStep step, string prefix)
    {
        var id = prefix + step.RequestId;
        var charges = step.Charges.ToDictionary(charge => prefix + charge.Key, charge => charge.Value);
        switch (step.Kind)
        {
            case LedgerStepKind.Reserve:
                return Reserve(id, charges);
            case LedgerStepKind.Commit:
                return Commit(id, charges);
            default:
                return _open.Remove(id) ? "settled" : "error";
        }
    }

    private string Reserve(string id, Dictionary<string, long> charges)
    {
        if (_seen.Contains(id))
        {
            return "seen";
        }

        foreach (var (account, amount) in charges)
        {
            if (!_budgets.TryGetValue(account, out var budget))
            {
                return "unknown " + account;
            }

            if (_spent[account] + Reserved(account) + amount > budget)
            {
                return "exhausted " + account;
            }
        }

        _seen.Add(id);
        _open[id] = charges;
        return "reserved";
    }

    private string Commit(string id, Dictionary<string, long> charges)
    {
        if (!_open.TryGetValue(id, out var held) || charges.Any(charge => charge.Value > held.GetValueOrDefault(charge.Key, -1)))
        {
            return "error";
        }

        foreach (var (account, amount) in charges)
        {
            _spent[account] += amount;
        }

        _open.Remove(id);
        return "settled";
    }

    private Int128 Reserved(string account) =>
        _open.Values.Aggregate(Int128.Zero, (sum, holds) => sum + holds.GetValueOrDefault(account));
}
