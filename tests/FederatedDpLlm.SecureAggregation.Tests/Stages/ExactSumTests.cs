using CsCheck;
using FederatedDpLlm.SecureAggregation.Simulation;
using FederatedDpLlm.SecureAggregation.Stages;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

public sealed class ExactSumTests
{
    private static readonly AggregationMode[] AllModes = Enum.GetValues<AggregationMode>();

    public static TheoryData<AggregationMode> Modes => [.. AllModes];

    public static TheoryData<AggregationMode, int> ModesAndSizes => new(AllModes.SelectMany(mode => new[] { 4, 5, 9 }.Select(clients => (mode, clients))));

    public static TheoryData<AggregationMode, int> ModesAndWidths => new(AllModes.SelectMany(mode => new[] { 2, 8, 14, 16, 21 }.Select(bits => (mode, bits))));

    [Theory, MemberData(nameof(ModesAndSizes))]
    public void The_sum_is_the_plaintext_sum_bit_for_bit(AggregationMode mode, int clients)
    {
        using var federation = new Federation(clients, 1000, mode);
        Assert.Equal(federation.SumOf(Enumerable.Range(0, clients)), federation.Round().Run(CancellationToken.None).Required.Values.ToArray());
    }

    [Theory, MemberData(nameof(Modes))]
    public void Every_dropout_pattern_of_four_clients_gives_the_exact_sum_or_a_named_refusal(AggregationMode mode)
    {
        using var federation = new Federation(4, 5, mode, minimumSurvivors: 3);
        foreach (var pattern in Patterns(4))
        {
            federation.AssertOutcome(pattern);
        }
    }

    [Theory, Trait(TestLength.Name, TestLength.Ci), MemberData(nameof(Modes))]
    public void Every_dropout_pattern_of_six_clients_gives_the_exact_sum_or_a_named_refusal(AggregationMode mode)
    {
        using var federation = new Federation(6, 5, mode);
        var rounds = new SharedRounds(federation);
        var patterns = Patterns(6).ToList();
        Assert.Equal(462, patterns.Count);
        patterns.ForEach(rounds.AssertOutcome);
        Assert.Equal(181, rounds.Count);
    }

    [Theory, Trait(TestLength.Name, TestLength.Long), MemberData(nameof(Modes))]
    public void Every_labelled_dropout_pattern_of_six_clients_gives_the_exact_sum_or_a_named_refusal(AggregationMode mode)
    {
        using var federation = new Federation(6, 5, mode);
        var rounds = new SharedRounds(federation);
        var patterns = LabelledPatterns(6).ToList();
        Assert.Equal(46656, patterns.Select(pattern => string.Join(' ', pattern)).Distinct().Count());
        patterns.ForEach(rounds.AssertOutcome);

        // With t = 5 of 6 a round goes on while at most one is missing. By the stage at whose end it is over (one client may have gone at any stage before):
        // 57 sets of at most 4 out of 6, and 31 out of 5; and 1 + 6 * 5 rounds with a sum.
        Assert.Equal((5 * 57) + (6 * 31 * (0 + 1 + 2 + 3 + 4)) + 31, rounds.Count);
    }

    [Theory, MemberData(nameof(Modes))]
    public void A_client_that_crashes_after_every_step_and_comes_back_from_its_snapshot_changes_nothing(AggregationMode mode)
    {
        using var federation = new Federation(6, 50, mode);
        federation.AssertOutcome([.. Enumerable.Repeat(DropoutStage.Never, 6)], restart: true);
        federation.AssertOutcome([DropoutStage.Never, DropoutStage.Never, DropoutStage.BeforeUpload, DropoutStage.Never, DropoutStage.Never, DropoutStage.Never], restart: true);
    }

    [Fact]
    public void A_sparse_graph_with_dropouts_at_every_stage_gives_the_exact_sum() => Sparse(AggregationMode.Mask);

    [Fact, Trait(TestLength.Name, TestLength.Ci)]
    public void A_sparse_graph_with_dropouts_at_every_stage_gives_the_exact_sum_of_encrypted_updates() => Sparse(AggregationMode.Homomorphic);

    // Up to two thirds leave, anywhere: sums and refusals both occur. Above twelve clients the committee is the first twelve, and the others send an upload only.
    [Theory, MemberData(nameof(Modes))]
    public void Random_dropouts_of_a_small_round_give_the_exact_sum_or_a_named_refusal(AggregationMode mode) =>
        Gen.Select(Gen.Int[4, 20], Gen.Int[0, 66], Gen.Long).Sample((clients, percent, seed) => AssertRandomDropouts(mode, clients, clients * percent / 100, seed), iter: 4, threads: 1);

    // Graphs are sparse from 65 clients on: half as many leave as the degree is chosen for, so that a neighbourhood without a quorum is out of reach.
    [Theory, Trait(TestLength.Name, TestLength.Ci), MemberData(nameof(Modes))]
    public void Random_dropouts_of_rounds_of_up_to_200_give_the_exact_sum_or_a_named_refusal(AggregationMode mode) =>
        Gen.Select(Gen.Int[65, 200], Gen.Int[0, 5], Gen.Long).Sample((clients, percent, seed) => AssertRandomDropouts(mode, clients, clients * percent / 100, seed), iter: 4, threads: 1);

    [Theory, Trait(TestLength.Name, TestLength.Long), MemberData(nameof(Modes))]
    public void Random_dropouts_of_a_round_of_1000_give_the_exact_sum_or_a_named_refusal(AggregationMode mode) =>
        Gen.Long.Sample(seed => AssertRandomDropouts(mode, 1000, 50, seed), iter: 1, threads: 1);

    [Theory, MemberData(nameof(ModesAndWidths))]
    public void Extreme_values_do_not_overflow_at_any_width(AggregationMode mode, int valueBits)
    {
        using var federation = new Federation(5, 3, mode, valueBits: valueBits);
        var half = 1 << (valueBits - 1);
        foreach (var input in federation.Inputs)
        {
            (input[0], input[1], input[2]) = (-half, half - 1, 0);
        }

        Assert.Equal([-5 * half, 5 * (half - 1), 0], federation.Round().Run(CancellationToken.None).Required.Values.ToArray());
    }

    // Up to renaming of clients: how many drop out at each stage.
    internal static IEnumerable<DropoutStage[]> Patterns(int clients)
    {
        IEnumerable<int[]> Next(int least, int left) => left == 0
            ? [[]]
            : Enumerable.Range(least, 6 - least).SelectMany(stage => Next(stage, left - 1).Select(rest => (int[])[stage, .. rest]));
        return Next(0, clients).Select(pattern => pattern.Select(stage => (DropoutStage)stage).ToArray());
    }

    // Which client drops out where: the digits of a number in base 6.
    private static IEnumerable<DropoutStage[]> LabelledPatterns(int clients) => clients == 0
        ? [[]]
        : LabelledPatterns(clients - 1).SelectMany(_ => Enum.GetValues<DropoutStage>(), (rest, stage) => (DropoutStage[])[.. rest, stage]);

    private static void Sparse(AggregationMode mode)
    {
        using var federation = new Federation(70, 20, mode);
        Assert.False(federation.Parameters.Sharing.IsComplete);
        var pattern = Enumerable.Range(0, 70).Select(client => client % 14 == 3 ? (DropoutStage)(1 + (client / 14)) : DropoutStage.Never).ToArray();
        federation.AssertOutcome(pattern);
    }

    // That many clients, chosen by the seed, leave at stages that it chooses too.
    private static void AssertRandomDropouts(AggregationMode mode, int clients, int dropped, long seed)
    {
        using var federation = new Federation(clients, 8, mode, seed: seed);
        var random = new TestRandom(seed);
        var pattern = Enumerable.Range(0, clients).OrderBy(_ => random.Below(int.MaxValue))
            .Select((client, place) => (Client: client, Stage: place < dropped ? (DropoutStage)(1 + random.Below(5)) : DropoutStage.Never))
            .OrderBy(one => one.Client).Select(one => one.Stage).ToArray();
        federation.AssertOutcome(pattern);
    }
}
