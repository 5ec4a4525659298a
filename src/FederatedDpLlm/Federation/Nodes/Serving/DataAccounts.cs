using FederatedDpLlm.Budgets;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Protocol;
using FederatedDpLlm.Security.Audit;

namespace FederatedDpLlm.Federation.Nodes.Serving;

/// <summary>
/// The hospital's last word: every question that reads records is held on all of its data accounts before anything runs, whatever the router says, and
/// charged for what ran. Each account bounds what a patient can lose over all hospitals together (see <see cref="PatientSpread"/>).
/// </summary>
public sealed class DataAccounts(IBudgetLedger ledger, PatientSpread spread, NodeProfile profile)
{
    private IEnumerable<AccountPolicy> Policies => ledger.Snapshot().Select(state => state.Policy).Where(policy => policy.Kind == AccountKind.Data);

    /// <summary>Holds the plan's cost on every data account, durably, or on none.</summary>
    public Task<ReserveOutcome> ReserveAsync(AnswerRequest request, AnswerPlan plan, CancellationToken cancellationToken) =>
        ledger.ReserveAsync(request.RequestId, Charges(plan.Costs, plan.Noise), Entry(request, AuditDecision.Admitted, plan, plan.Costs), cancellationToken);

    /// <summary>Charges what ran; the rest of the hold returns.</summary>
    public Task<Settlement> CommitAsync(AnswerRequest request, AnswerPlan plan, IReadOnlyList<AnswerCost> ran, CancellationToken cancellationToken) =>
        ledger.CommitAsync(request.RequestId, Charges(ran, plan.Noise), Entry(request, AuditDecision.Answered, plan, ran), cancellationToken);

    /// <summary>Charges the whole hold: what ran is not known, and unknown is spent.</summary>
    public Task<Settlement> SpendAllAsync(AnswerRequest request, AnswerPlan plan, CancellationToken cancellationToken) =>
        ledger.CommitAsync(request.RequestId, Charges(plan.Costs, plan.Noise), Entry(request, AuditDecision.Failed, plan, plan.Costs), cancellationToken);

    /// <summary>Returns the hold whole: nothing was computed.</summary>
    public Task<Settlement> ReleaseAsync(AnswerRequest request, AnswerPlan plan, CancellationToken cancellationToken) =>
        ledger.ReleaseAsync(request.RequestId, Entry(request, AuditDecision.Refused, plan, []), cancellationToken);

    /// <summary>Records an answer that costs nothing, with its reason.</summary>
    public Task<long> RecordFreeAsync(AnswerRequest request, AnswerPlan plan, CancellationToken cancellationToken) =>
        ledger.RecordAsync(Entry(request, AuditDecision.Answered, plan, []), cancellationToken);

    /// <summary>The accounts after a charge, for the wire.</summary>
    public IEnumerable<Protocol.Account> ToWire(IEnumerable<AccountState> states, IReadOnlyList<AnswerCost> ran, NoisePlace noise)
    {
        var charged = Charges(ran, noise).ToDictionary(charge => charge.Account, charge => charge.Amount);
        return states.Where(state => charged.ContainsKey(state.Policy.Id)).Select(state => AccountWire.ToWire(state, charged[state.Policy.Id]));
    }

    /// <summary>All data accounts as they stand, for the wire.</summary>
    public IEnumerable<Protocol.Account> ToWire() => ledger.Snapshot().Where(state => state.Policy.Kind == AccountKind.Data).Select(state => AccountWire.ToWire(state, BudgetUnits.Zero));

    private List<Charge> Charges(IReadOnlyList<AnswerCost> costs, NoisePlace noise) =>
        [.. Policies.Select(policy => new Charge(policy.Id, AnswerCharges.On(policy, costs, spread.Factor(noise))))];

    private AuditRecord Entry(AnswerRequest request, AuditDecision decision, AnswerPlan plan, IReadOnlyList<AnswerCost> costs) =>
        new(request.RequestId, decision, request.Actor, AnswerAudit.Details(plan.Question, costs, plan.Noise, [profile.Hospital], request.Department, request.Purpose, plan.FreeReason));
}
