using FederatedDpLlm.Budgets;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Protocol;
using FederatedDpLlm.Security.Audit;

namespace FederatedDpLlm.Federation.Nodes.Serving;

/// <summary>
/// The hospital's last word: every question that reads records is held on the data accounts of all blocks that it reads before anything runs, whatever the router says, and
/// charged for what ran. A block whose account cannot hold a question is left out of it: its patients are not read. Each account bounds what a patient can lose over all
/// hospitals together (see <see cref="PatientSpread"/>).
/// </summary>
public sealed class DataAccounts(IBudgetLedger ledger, PatientSpread spread, NodeProfile profile)
{
    private readonly Dictionary<AccountId, string> _blocks = profile.Blocks.ToDictionary(block => AccountId.Data(profile.Hospital, block));

    private IEnumerable<AccountPolicy> Policies => ledger.Snapshot().Select(state => state.Policy).Where(policy => policy.Kind == AccountKind.Data);

    /// <summary>Holds the plan's cost, durably and together, on the accounts of all blocks that can hold it, or on none. What is left out depends on accounts alone, never on records.</summary>
    /// <returns>The outcome, and the plan with the blocks that pay for it.</returns>
    public async Task<(ReserveOutcome Outcome, AnswerPlan Plan)> ReserveAsync(AnswerRequest request, AnswerPlan plan, CancellationToken cancellationToken)
    {
        var able = Able(plan);
        for (var left = able.Count > 0 ? able : [.. profile.Blocks]; ;)
        {
            var paid = profile.Blocks.Count == 0 ? plan : plan with { Blocks = left };
            var others = able.Count > 0 && left.Count > 1;
            var outcome = await ledger.ReserveAsync(
                request.RequestId, Charges(paid, plan.Costs), Entry(request, AuditDecision.Admitted, paid, plan.Costs), refused => !others || FullBlock(refused) is null, cancellationToken);

            // Another question was quicker: the block is full now.
            if (others && FullBlock(outcome) is { } full)
            {
                left = [.. left.Where(one => one != full)];
                continue;
            }

            return (outcome, paid);
        }
    }

    /// <returns>The block that cannot pay. An account of no block here (an earlier division's) is never left out.</returns>
    private string? FullBlock(ReserveOutcome outcome) => outcome is ReserveOutcome.Exhausted { Account.Policy.Id: var full } ? _blocks.GetValueOrDefault(full) : null;

    /// <summary>Charges what ran; the rest of the hold returns.</summary>
    public Task<Settlement> CommitAsync(AnswerRequest request, AnswerPlan plan, IReadOnlyList<AnswerCost> ran, CancellationToken cancellationToken) =>
        ledger.CommitAsync(request.RequestId, Charges(plan, ran), Entry(request, AuditDecision.Answered, plan, ran), cancellationToken);

    /// <summary>Charges the whole hold: what ran is not known, and unknown is spent.</summary>
    public Task<Settlement> SpendAllAsync(AnswerRequest request, AnswerPlan plan, CancellationToken cancellationToken) =>
        ledger.CommitAsync(request.RequestId, Charges(plan, plan.Costs), Entry(request, AuditDecision.Failed, plan, plan.Costs), cancellationToken);

    /// <summary>Returns the hold whole: nothing was computed.</summary>
    public Task<Settlement> ReleaseAsync(AnswerRequest request, AnswerPlan plan, CancellationToken cancellationToken) =>
        ledger.ReleaseAsync(request.RequestId, Entry(request, AuditDecision.Refused, plan, []), cancellationToken);

    /// <summary>Records a step of an answer that costs nothing, with its reason.</summary>
    public Task<long> RecordFreeAsync(AnswerRequest request, AnswerPlan plan, AuditDecision decision, CancellationToken cancellationToken) =>
        ledger.RecordAsync(Entry(request, decision, plan, []), cancellationToken);

    /// <summary>Records a question that was turned away before any account was asked: who asked, and the refusal's code.</summary>
    public Task<long> RecordRefusalAsync(AnswerRequest request, string code, CancellationToken cancellationToken) => ledger.RecordAsync(
        new AuditRecord(request.RequestId, AuditDecision.Refused, request.Actor, new Dictionary<string, string>
        {
            ["nodes"] = profile.Hospital,
            ["department"] = request.Department,
            ["purpose"] = request.Purpose,
            ["mechanism"] = string.Empty,
            ["epsilon"] = "0",
            ["reason"] = code.Replace('_', '-'),
        }),
        cancellationToken);

    /// <summary>The accounts after a charge, for the wire.</summary>
    public IEnumerable<Protocol.Account> ToWire(IEnumerable<AccountState> states, AnswerPlan plan, IReadOnlyList<AnswerCost> ran)
    {
        var charged = Charges(plan, ran).ToDictionary(charge => charge.Account, charge => charge.Amount);
        return states.Where(state => charged.ContainsKey(state.Policy.Id)).Select(state => AccountWire.ToWire(state, charged[state.Policy.Id]));
    }

    /// <summary>All data accounts as they stand, for the wire.</summary>
    public IEnumerable<Protocol.Account> ToWire() => ledger.Snapshot().Where(state => state.Policy.Kind == AccountKind.Data).Select(state => AccountWire.ToWire(state, BudgetUnits.Zero));

    private List<Charge> Charges(AnswerPlan plan, IReadOnlyList<AnswerCost> costs) =>
        [.. Policies.Where(policy => Pays(policy.Id, plan)).Select(policy => new Charge(policy.Id, AnswerCharges.On(policy, costs, spread.Factor(plan.Noise))))];

    private bool Pays(AccountId account, AnswerPlan plan) => plan.Blocks is null || !_blocks.TryGetValue(account, out var block) || plan.Blocks.Contains(block);

    private List<string> Able(AnswerPlan plan) =>
        [.. _blocks.Where(pair => ledger.Find(pair.Key) is { } state && AnswerCharges.On(state.Policy, plan.Costs, spread.Factor(plan.Noise)) <= state.Remaining).Select(pair => pair.Value)];

    private AuditRecord Entry(AnswerRequest request, AuditDecision decision, AnswerPlan plan, IReadOnlyList<AnswerCost> costs) =>
        new(request.RequestId, decision, request.Actor, AnswerAudit.Details(plan.Question, costs, plan.Noise, [profile.Hospital], request.Department, request.Purpose, decision switch
        {
            AuditDecision.Failed => "broke-off",
            AuditDecision.Refused => "not-proceeded",
            _ => plan.FreeReason,
        }));
}
