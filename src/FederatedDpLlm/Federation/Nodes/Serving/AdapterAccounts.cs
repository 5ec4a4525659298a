using System.Globalization;
using FederatedDpLlm.Budgets;
using FederatedDpLlm.Configuration;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Models.Training.Private;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Security.Audit;

namespace FederatedDpLlm.Federation.Nodes.Serving;

/// <summary>
/// An adapter that was made from the patients' records tells of them in every answer, also in those of the base model alone. What its training released is charged to the hospital's data accounts
/// before the adapter is served, once for each account and for ever: answers are then computed from something that was released and paid for.
/// </summary>
public sealed class AdapterAccounts(IBudgetLedger ledger, PatientSpread spread, string hospital)
{
    // Of this node's own requests. A question of that name would take the charge's place: NodeAdmission turns it away.
    private const string Own = "adapter:";
    private const string Actor = "node";

    /// <summary>Whether a request id is one that only the node itself may use.</summary>
    public static bool Names(string requestId) => requestId.StartsWith(Own, StringComparison.Ordinal);

    /// <summary>Charges what an adapter released to every data account that it has not been charged to, also to those of blocks that came later: which patients were in the training is not written down.</summary>
    /// <exception cref="ConfigurationException">An account cannot pay, or its promise would not stand beside the training's noise; what to do is said. What was charged stays: the adapter exists.</exception>
    public async Task ChargeAsync(AdapterStatement statement, CancellationToken cancellationToken)
    {
        var owed = ledger.Snapshot().Select(account => account.Policy).Where(policy => policy.Kind == AccountKind.Data).Select(policy => Owed(policy, statement)).ToList();
        foreach (var charge in owed)
        {
            var request = $"{Own}{statement.WeightsSha256}:{charge.Account}";
            var outcome = await ledger.ReserveAsync(request, [charge], Entry(AuditDecision.Admitted, statement), refused => refused is not ReserveOutcome.AlreadySeen, cancellationToken).ConfigureAwait(false);
            switch (outcome)
            {
                case ReserveOutcome.Reserved:
                    await ledger.CommitAsync(request, [charge], Entry(AuditDecision.Answered, statement), cancellationToken).ConfigureAwait(false);
                    break;
                case ReserveOutcome.AlreadySeen:
                    break;
                case ReserveOutcome.Exhausted exhausted:
                    throw CannotPay(exhausted.Account.Policy, charge.Amount.ToDouble(), exhausted.Account.Remaining.ToDouble());
                default:
                    throw new InvalidOperationException($"The ledger has no account {charge.Account}.");
            }
        }
    }

    /// <summary>Records that an adapter is served which, as the hospital's configuration says, was not made from these records.</summary>
    /// <param name="adapter">Its name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task RecordMadeElsewhereAsync(string adapter, CancellationToken cancellationToken) => ledger.RecordAsync(
        new AuditRecord(Own + "elsewhere", AuditDecision.Admitted, Actor, new Dictionary<string, string> { ["nodes"] = hospital, ["adapter"] = adapter, ["reason"] = "adapter-made-elsewhere" }), cancellationToken);

    private Charge Owed(AccountPolicy policy, AdapterStatement statement)
    {
        // Both worlds of a data account have as many patients: one is exchanged for another.
        var released = new RepeatedEvent(statement.ReleasedUnder(NeighbouringRelation.ReplaceOne), spread.Factor(NoisePlace.Node));
        RequireExactEnough(policy, statement);
        try
        {
            return new Charge(policy.Id, policy.Currency.CostOf(released));
        }
        catch (Exception error) when (error is ArgumentOutOfRangeException or UnaccountableEventException)
        {
            throw CannotPay(policy, null, ledger.Find(policy.Id)!.Remaining.ToDouble());
        }
    }

    // What noise at a distance of t from the exact one adds to delta at epsilon: (1 + e^epsilon) t (see BatchGaussianSampler.DeltaOf), for each of the hospitals.
    private void RequireExactEnough(AccountPolicy policy, AdapterStatement statement)
    {
        var distance = statement.NoiseDistance * spread.Hospitals;
        var added = (1 + Math.Exp(policy.Epsilon)) * distance;
        if (!(added <= policy.Delta))
        {
            var most = Math.Max(0, Math.Floor(10 * Math.Log((policy.Delta / distance) - 1)) / 10);
            throw new ConfigurationException(string.Create(
                CultureInfo.InvariantCulture,
                $"The adapter cannot be served: its noise is within {statement.NoiseDistance:G2} of the exact one, which at the epsilon {policy.Epsilon} of the account {policy.Id} adds {added:G2} to a delta of {policy.Delta:G2}. Lower 'data_budget.epsilon' to at most {most}, or leave 'engine.adapter' out."));
        }
    }

    private static ConfigurationException CannotPay(AccountPolicy policy, double? cost, double remaining)
    {
        var asked = cost is { } amount ? amount.ToString("G4", CultureInfo.InvariantCulture) : "more than any account can hold";
        var sampling = policy.Composition == Composition.Rdp ? string.Empty
            : $" An account of 'composition: {policy.Composition.ToString().ToLowerInvariant()}' cannot count that each step saw a sample of the patients only; 'composition: rdp' with a 'renyi_order' can, and is chosen before an account is opened.";
        return new ConfigurationException(string.Create(
            CultureInfo.InvariantCulture,
            $"The adapter cannot be served: it was made from these records, and the account {policy.Id} is to be charged {asked} for what its training released, of {remaining:G4} that are left. Train it with more noise (fewer '--steps' or a lower '--epsilon' of 'fedllm train', which prints the cost), or leave 'engine.adapter' out.{sampling} An adapter that was not made from these records is declared with 'engine.adapter_made_elsewhere: true'."));
    }

    private AuditRecord Entry(AuditDecision decision, AdapterStatement statement) => new("-", decision, Actor, new Dictionary<string, string>
    {
        ["nodes"] = hospital,
        ["mechanism"] = "dp-sgd",
        ["adapter"] = statement.WeightsSha256,
        ["records"] = statement.Records,
        ["noiseMultiplier"] = statement.NoiseMultiplier.ToString("R", CultureInfo.InvariantCulture),
        ["samplingRate"] = statement.SamplingRate.ToString("R", CultureInfo.InvariantCulture),
        ["steps"] = statement.Steps.ToString(CultureInfo.InvariantCulture),
        ["relation"] = nameof(NeighbouringRelation.ReplaceOne),
        ["epsilon"] = statement.Epsilon.ToString("R", CultureInfo.InvariantCulture),
        ["delta"] = statement.Delta.ToString("R", CultureInfo.InvariantCulture),
        ["reason"] = "adapter-made-from-records",
    });
}
