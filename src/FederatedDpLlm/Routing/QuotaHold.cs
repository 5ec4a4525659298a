using FederatedDpLlm.Budgets;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Security.Audit;

namespace FederatedDpLlm.Routing;

/// <summary>A question's hold on its quotas: settled exactly once, by commit or release. The router's ledger and audit log share each commit.</summary>
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

    /// <summary>Charges what ran, one cost an answer; the rest returns.</summary>
    public async Task<(IReadOnlyList<ChargedAccount> Accounts, long AuditEntry)> CommitAsync(IReadOnlyList<AnswerCost> ran, IReadOnlyList<string> nodes)
    {
        var charges = Charges(ran);
        var settlement = await _ledger.CommitAsync(Id, charges, QuotaGate.Entry(_question, Id, AuditDecision.Answered, ran, nodes), CancellationToken.None);
        var charged = charges.ToDictionary(charge => charge.Account, charge => charge.Amount);
        return ([.. settlement.Accounts.Select(state => new ChargedAccount(
            state.Policy.Id.Value, state.Policy.Kind, AccountWire.CurrencyName(state.Policy.Composition), charged[state.Policy.Id], state.Remaining, state.ResetsAt))],
            settlement.AuditEntry);
    }

    /// <summary>Charges the whole hold: noise may have been drawn.</summary>
    public Task SpendAllAsync(IReadOnlyList<string> nodes) =>
        _ledger.CommitAsync(Id, [.. _policies.Select(policy => new Charge(policy.Id, AnswerCharges.Most(policy, _plan)))], QuotaGate.Entry(_question, Id, AuditDecision.Failed, _plan.Costs, nodes), CancellationToken.None);

    /// <summary>Returns the hold: surely nothing was drawn.</summary>
    public Task ReleaseAsync() => _ledger.ReleaseAsync(Id, QuotaGate.Entry(_question, Id, AuditDecision.Refused, [], []), CancellationToken.None);

    private List<Charge> Charges(IReadOnlyList<AnswerCost> costs) => [.. _policies.Select(policy => new Charge(policy.Id, AnswerCharges.On(policy, costs, 1)))];
}
