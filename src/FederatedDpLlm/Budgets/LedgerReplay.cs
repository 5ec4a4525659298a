using System.Globalization;
using System.Text.Json;
using FederatedDpLlm.Security.Audit;

namespace FederatedDpLlm.Budgets;

/// <summary>
/// Recomputes a ledger from its first entry, by other code than the ledger's own: every hold fits the budget in force at that moment, every settlement ends
/// one hold at no more than it held, in the window where it was held.
/// </summary>
internal sealed class LedgerReplay
{
    private readonly Dictionary<string, ReplayedAccount> _accounts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IReadOnlyList<LedgerMovement>> _open = new(StringComparer.Ordinal);
    private readonly List<string> _problems = [];

    public IReadOnlyDictionary<string, ReplayedAccount> Accounts => _accounts;

    public IReadOnlyCollection<string> Open => _open.Keys;

    public IReadOnlyList<string> Problems => _problems;

    public long Movements { get; private set; }

    /// <summary>Whether the entry admitted a request, that is, made a hold.</summary>
    public static bool Admits(StoredAuditEntry entry) => entry.Decision == nameof(AuditDecision.Admitted) && entry.Movements.Count > 0;

    public void Apply(StoredAuditEntry entry)
    {
        Movements += entry.Movements.Count;
        switch (entry.Decision)
        {
            case nameof(AuditDecision.AccountOpened):
            case nameof(AuditDecision.PolicyChanged):
                SetPolicy(entry);
                break;
            case nameof(AuditDecision.Admitted) when entry.Movements.Count > 0:
                Hold(entry);
                break;
            default:
                Settle(entry);
                break;
        }
    }

    public void Report(string problem)
    {
        if (_problems.Count < BudgetVerification.MostProblems)
        {
            _problems.Add(problem);
        }
    }

    private void SetPolicy(StoredAuditEntry entry)
    {
        var details = JsonSerializer.Deserialize<Dictionary<string, string>>(entry.Details) ?? [];
        if (!details.TryGetValue("account", out var name) || !Number(details, "budgetUnits", out var budget) || !Number(details, "windowStart", out var window))
        {
            Report($"entry {entry.Index}: a policy without its account, budget or window");
            return;
        }

        if (_accounts.TryGetValue(name, out var account))
        {
            account.Budget = budget;
            account.MoveTo(window);
        }
        else
        {
            _accounts[name] = new ReplayedAccount(budget, window);
        }
    }

    private void Hold(StoredAuditEntry entry)
    {
        if (!_open.TryAdd(entry.RequestId, entry.Movements))
        {
            Report($"entry {entry.Index}: request {entry.RequestId} is admitted while it is open");
        }

        foreach (var movement in entry.Movements)
        {
            if (movement.Held < 0 || movement.Spent != 0)
            {
                Report($"entry {entry.Index}: an admission that is no hold on {movement.Account}");
            }

            Move(entry, movement);
        }
    }

    private void Settle(StoredAuditEntry entry)
    {
        if (entry.Movements.Count == 0)
        {
            return;
        }

        if (!_open.Remove(entry.RequestId, out var holds) || holds.Count != entry.Movements.Count)
        {
            Report($"entry {entry.Index}: request {entry.RequestId} settles what it does not hold");
            holds = [];
        }

        for (var i = 0; i < entry.Movements.Count; i++)
        {
            var movement = entry.Movements[i];
            if (i < holds.Count && !Ends(holds[i], movement))
            {
                Report($"entry {entry.Index}: the settlement of {movement.Account} does not end its hold ({movement.Held} against {holds[i].Held}, charged {movement.Spent})");
            }

            Move(entry, movement);
        }
    }

    private static bool Ends(LedgerMovement hold, LedgerMovement settlement) =>
        settlement.Account == hold.Account && settlement.WindowStart == hold.WindowStart && settlement.Held == -hold.Held
        && settlement.Spent >= 0 && settlement.Spent <= hold.Held;

    private void Move(StoredAuditEntry entry, LedgerMovement movement)
    {
        if (!_accounts.TryGetValue(movement.Account, out var account))
        {
            Report($"entry {entry.Index}: a movement on {movement.Account}, which was never opened");
        }
        else if (account.Apply(movement.WindowStart, movement.Held, movement.Spent) is { } problem)
        {
            Report($"entry {entry.Index}: {movement.Account} {problem}");
        }
    }

    private static bool Number(Dictionary<string, string> details, string name, out long number)
    {
        number = 0;
        return details.TryGetValue(name, out var text) && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
    }
}
