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

    internal QuotaHold(IBudgetLedger ledger, string id, IReadOnlyList<AccountPolicy> policies, RoutedQuestion question, AnswerPlan plan)
    {
        _ledger = ledger;
        Id = id;
        _policies = policies;
        _question = question;
        _plan = plan;
    }

    /// <summary>The draw's own request id, on every ledger that it touches.</summary>
    public string Id { get; }

    /// <summary>Charges what ran; the rest returns.</summary>
    public async Task<(IReadOnlyList<ChargedAccount> Accounts, long AuditEntry)> CommitAsync(AnswerCost ran, IReadOnlyList<string> nodes)
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
        _ledger.CommitAsync(Id, [.. _policies.Select(policy => new Charge(policy.Id, AnswerCharges.Most(policy, _plan)))], QuotaGate.Entry(_question, Id, AuditDecision.Failed, _plan.Cost, nodes), CancellationToken.None);

    /// <summary>Returns the hold: surely nothing was drawn.</summary>
    public Task ReleaseAsync() => _ledger.ReleaseAsync(Id, QuotaGate.Entry(_question, Id, AuditDecision.Refused, AnswerCost.Free, []), CancellationToken.None);

    private List<Charge> Charges(AnswerCost cost) => [.. _policies.Select(policy => new Charge(policy.Id, AnswerCharges.On(policy, cost, 1)))];
}
