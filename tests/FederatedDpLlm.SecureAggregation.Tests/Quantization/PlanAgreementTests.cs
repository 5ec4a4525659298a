using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.SecureAggregation.Quantization;
using FederatedDpLlm.SecureAggregation.Simulation;
using FederatedDpLlm.SecureAggregation.Stages;
using FederatedDpLlm.SecureAggregation.Tests.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Quantization;

/// <summary>The noise that a plan promises is the noise of the round, or the hospital stays out.</summary>
public sealed class PlanAgreementTests
{
    private const int Dimension = 64;
    private static readonly QuantizationTarget Target = new() { Dimension = Dimension, ClipNorm = 1, Rho = new Rho(1), Clients = 8, MinimumSurvivors = 7, Corrupt = 1, ValueBits = 16 };

    [Theory, InlineData(AggregationMode.Mask), InlineData(AggregationMode.Homomorphic), InlineData(AggregationMode.Committee)]
    public void A_round_made_from_a_plan_is_one_that_the_plan_agrees_to(AggregationMode mode)
    {
        var plan = QuantizationPlan.For(Target);
        using var federation = new Federation(8, Dimension);
        var parameters = plan.RoundFor("plan", 3, mode, Roster(federation), new byte[32], acceptUnreviewedCryptography: true);
        Assert.Null(plan.Check(parameters));
        Assert.Equal((Dimension, 16, 8, 7, 3L), (parameters.VectorLength, parameters.ValueBits, parameters.Clients, parameters.MinimumSurvivors, parameters.Round));
        Assert.Equal(plan.Hash.ToArray(), parameters.PrivacyPlanHash.ToArray());
        using var client = plan.Join(parameters, 2, federation.Identities[2], federation.Random).Required;
        Assert.Equal((2, ClientStage.Fresh), (client.Self, client.Stage));
    }

    [Fact]
    public void Plans_that_differ_in_anything_have_different_hashes()
    {
        var rotated = Target with { RotationSeed = new byte[32] };
        QuantizationTarget[] targets =
        [
            Target, Target with { Dimension = Dimension + 1 }, Target with { ClipNorm = 1.5 }, Target with { Rho = new Rho(1.5) }, Target with { Relation = NeighbouringRelation.ReplaceOne },
            Target with { Clients = 9 }, Target with { MinimumSurvivors = 6 }, Target with { Corrupt = 2 }, Target with { ValueBits = 17 }, rotated,
            rotated with { RotationSeed = Enumerable.Repeat((byte)1, 32).ToArray() },
        ];
        Assert.Equal(targets.Length, targets.Select(target => Convert.ToHexString(QuantizationPlan.For(target).Hash.Span)).Distinct().Count());
        Assert.Equal(QuantizationPlan.For(Target).Hash.ToArray(), QuantizationPlan.For(Target with { }).Hash.ToArray());
    }

    [Fact]
    public void A_roster_of_another_size_and_a_plan_that_no_round_can_keep_are_refused()
    {
        using var federation = new Federation(9, Dimension);
        Assert.Throws<ArgumentOutOfRangeException>(() => QuantizationPlan.For(Target).RoundFor("plan", 1, AggregationMode.Mask, Roster(federation), new byte[32]));
        var few = QuantizationPlan.For(Target with { Clients = 9, MinimumSurvivors = 4 });
        Assert.Throws<ArgumentOutOfRangeException>(() => few.RoundFor("plan", 1, AggregationMode.Mask, Roster(federation), new byte[32]));
        var corrupt = QuantizationPlan.For(Target with { Clients = 9, MinimumSurvivors = 9, Corrupt = 5 });
        Assert.Throws<ArgumentOutOfRangeException>(() => corrupt.RoundFor("plan", 1, AggregationMode.Mask, Roster(federation), new byte[32]));
    }

    public static TheoryData<string> Disagreements => [.. Proposals.Keys];

    [Theory, MemberData(nameof(Disagreements))]
    public void A_hospital_does_not_join_a_round_that_does_not_keep_its_plan(string disagreement)
    {
        var plan = QuantizationPlan.For(Target);
        using var federation = new Federation(9, Dimension);
        var proposed = Proposals[disagreement](federation, plan.Hash);
        Assert.Equal(new Refusal(RefusalCode.PlanMismatch), plan.Check(proposed));
        Assert.Equal(new Refusal(RefusalCode.PlanMismatch), plan.Join(proposed, 2, federation.Identities[2], federation.Random).Refusal);
    }

    [Fact]
    public void A_coordinator_that_asks_for_fewer_survivors_would_get_a_sum_with_less_noise_than_its_hospitals_account_for()
    {
        // Naive: the round carries the plan's hash, and nobody compares what stands beside it.
        var plan = QuantizationPlan.For(Target);
        using var federation = new Federation(8, Dimension);
        var proposed = Proposal(federation, plan.Hash, minimum: 6);
        var round = new InProcessRound(proposed, federation.Identities, federation.Random)
        {
            InputOf = _ => QuantizationTests.Quantized(plan, new float[Dimension], federation.Random),
            DropoutOf = client => client < 2 ? DropoutStage.BeforeUpload : DropoutStage.Never,
        };
        var sum = round.Run(CancellationToken.None).Required;
        var promised = (SumOfDiscreteGaussiansEvent)plan.Cost;
        var kept = new SumOfDiscreteGaussiansEvent(sum.Survivors.Count - Target.Corrupt, promised.Sigma, promised.L2Sensitivity, promised.Dimension, promised.Relation);
        Assert.True(ZeroConcentrated.RhoOf(kept) > 1.15 * ZeroConcentrated.RhoOf(promised));
        Assert.All(federation.Identities.Select((identity, number) => plan.Join(proposed, number, identity, federation.Random)), joined => Assert.False(joined.IsAccepted));
    }

    private static Dictionary<string, Func<Federation, ReadOnlyMemory<byte>, RoundParameters>> Proposals => new()
    {
        ["fewer survivors"] = (federation, hash) => Proposal(federation, hash, minimum: 6),
        ["more survivors"] = (federation, hash) => Proposal(federation, hash, minimum: 8),
        ["another length"] = (federation, hash) => Proposal(federation, hash, length: Dimension + 1),
        ["another width"] = (federation, hash) => Proposal(federation, hash, bits: 17),
        ["another roster"] = (federation, hash) => Proposal(federation, hash, clients: 9, minimum: 7),
        ["more that collude"] = (federation, hash) => Proposal(federation, hash, corrupt: 0.25),
        ["another plan"] = (federation, _) => Proposal(federation, new byte[32]),
    };

    private static RoundParameters Proposal(
        Federation federation, ReadOnlyMemory<byte> hash, int minimum = 7, int length = Dimension, int bits = 16, int clients = 8, double corrupt = 0.125) => new(
        "plan", 1, AggregationMode.Mask, length, bits, [.. Roster(federation).Take(clients)], new byte[32], hash, minimum, corrupt);

    private static ReadOnlyMemory<byte>[] Roster(Federation federation) => [.. federation.Identities.Select(identity => identity.PublicKey)];
}
