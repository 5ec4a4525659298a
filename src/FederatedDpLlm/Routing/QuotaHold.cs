using FederatedDpLlm.Budgets;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Security.Audit;

namespace FederatedDpLlm.Routing;

/// <summary>
/// A question's hold on its quotas, or the mere admission of one that costs nothing: ended exactly once, by commit or release. The router's ledger and audit log share each
/// commit; where the store fails, the ledger itself goes on with what was said here first.
/// </summary>
public sealed class QuotaHold
{
    private readonly IBudgetLedger _ledger;
    private readonly IReadOnlyList<AccountPolicy> _policies;
    private readonly RoutedQuestion _question;
    private readonly AnswerPlan _plan;

    internal QuotaHold(IBudgetLedger ledger, string id, int number, IReadOnlyList<AccountPolicy> policies, RoutedQuestion question, AnswerPlan plan)
    {
        _ledger = ledger;
        Id = id;
        Number = number;
        _policies = policies;
        _question = question;
        _plan = plan;
    }

    /// <summary>The draw's own request id, on every ledger that it touches.</summary>
    public string Id { get; }

    /// <summary>Which of the question's holds this is, from 1.</summary>
    public int Number { get; }

    /// <summary>Whether its end has been told, be it on disk yet or not.</summary>
    public bool IsEnded { get; private set; }

    private bool IsFree => _policies.Count == 0;

    /// <summary>Charges what ran, one cost an answer; the rest returns.</summary>
    public async Task<(IReadOnlyList<ChargedAccount> Accounts, long AuditEntry)> CommitAsync(IReadOnlyList<AnswerCost> ran, IReadOnlyList<string> nodes)
    {
        List<Charge> charges = [.. _policies.Select(policy => new Charge(policy.Id, AnswerCharges.On(policy, ran, 1)))];
        var settlement = await EndAsync(charges, QuotaGate.Entry(_question, Id, AuditDecision.Answered, ran, nodes, _plan.FreeReason));
        var charged = charges.ToDictionary(charge => charge.Account, charge => charge.Amount);
        return ([.. settlement.Accounts.Select(state => new ChargedAccount(
            state.Policy.Id.Value, state.Policy.Kind, AccountWire.CurrencyName(state.Policy.Composition), charged[state.Policy.Id], state.Remaining, state.ResetsAt))],
            settlement.AuditEntry);
    }

    /// <summary>Charges the whole hold: noise may have been drawn.</summary>
    public Task SpendAllAsync(IReadOnlyList<string> nodes, string reason) => EndAsync(
        [.. _policies.Select(policy => new Charge(policy.Id, AnswerCharges.Most(policy, _plan)))],
        QuotaGate.Entry(_question, Id, AuditDecision.Failed, _plan.FreeReason is null ? _plan.Costs : [], nodes, reason));

    /// <summary>Returns the hold: surely nothing was drawn.</summary>
    public Task ReleaseAsync(string reason)
    {
        IsEnded = true;
        var entry = QuotaGate.Entry(_question, Id, AuditDecision.Refused, [], [], reason);
        return IsFree ? _ledger.RecordAsync(entry, CancellationToken.None) : _ledger.ReleaseAsync(Id, entry, CancellationToken.None);
    }

    private async Task<Settlement> EndAsync(IReadOnlyList<Charge> charges, AuditRecord entry)
    {
        IsEnded = true;
        return IsFree
            ? new Settlement([], await _ledger.RecordAsync(entry, CancellationToken.None))
            : await _ledger.CommitAsync(Id, charges, entry, CancellationToken.None);
    }
}
