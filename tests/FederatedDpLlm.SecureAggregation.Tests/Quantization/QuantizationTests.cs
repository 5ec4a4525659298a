using System.Security.Cryptography;
using CsCheck;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.SecureAggregation.Quantization;
using FederatedDpLlm.SecureAggregation.Simulation;
using FederatedDpLlm.SecureAggregation.Stages;
using FederatedDpLlm.SecureAggregation.Tests.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Quantization;

public sealed class QuantizationTests
{
    private static readonly byte[] Seed = SHA256.HashData([7]);

    [Theory]
    [InlineData(1, 4, 4, 0, 16, false, 1.0)]
    [InlineData(1000, 16, 11, 2, 16, false, 0.5)]
    [InlineData(1_000_000, 100, 90, 10, 16, false, 1.0)]
    [InlineData(1_000_000, 100, 90, 10, 16, true, 1.0)]
    [InlineData(100_000_000, 1000, 800, 100, 16, true, 0.1)]
    [InlineData(4096, 8, 6, 1, 21, true, 0.01)]
    public void A_plan_keeps_its_rho_and_overflows_with_probability_at_most_2_to_the_minus_40(int dimension, int clients, int survivors, int corrupt, int bits, bool rotate, double rho)
    {
        var plan = QuantizationPlan.For(Target(dimension, clients, survivors, corrupt, bits, rotate, rho));
        Assert.InRange(ZeroConcentrated.RhoOf(plan.Cost), rho * 0.999, rho);
        Assert.InRange(plan.OverflowProbability, 0, Math.Pow(2, -40));
        Assert.InRange(plan.FailureProbability - plan.OverflowProbability, 0, Math.Pow(2, -60) * dimension * clients);
        Assert.Equal((1 + Math.E) * plan.FailureProbability, plan.AddedDelta(new Epsilon(1)).Value, 1e-20);
        var cost = Assert.IsType<SumOfDiscreteGaussiansEvent>(plan.Cost);
        Assert.Equal((survivors - corrupt, plan.Sigma, plan.Bound, (long)dimension), (cost.Summands, cost.Sigma, cost.L2Sensitivity, cost.Dimension));

        // The finest step: half of it would need another bit.
        Assert.True(plan.LargestValue > 1 << (bits - 6) || plan.Sigma * 4 > 1 << (bits - 6));
    }

    [Fact]
    public void Noise_that_counts_on_hospitals_that_dropped_out_or_collude_is_too_little()
    {
        // Naive: every hospital adds its part of the noise of all 16, and the sum is published whoever is left.
        var naive = (SumOfDiscreteGaussiansEvent)QuantizationPlan.For(Target(1000, 16, 16, 0, 16, false, 1)).Cost;
        SumOfDiscreteGaussiansEvent Left(int honest) => new(honest, naive.Sigma, naive.L2Sensitivity, naive.Dimension, naive.Relation);
        Assert.True(ZeroConcentrated.RhoOf(Left(9)) > 1.7);

        // Planned for eleven survivors with two corrupt, nine shares of noise are enough, and a sum of ten uploads is not published.
        var plan = QuantizationPlan.For(Target(1000, 16, 11, 2, 16, false, 1));
        Assert.Equal(9, plan.HonestSurvivors);
        Assert.NotNull(plan.Read(new AggregateSum(new int[1000], [.. Enumerable.Range(0, 11)], [])));
        Assert.Null(plan.Read(new AggregateSum(new int[1000], [.. Enumerable.Range(0, 10)], [])));
    }

    [Fact]
    public void A_round_with_fewer_survivors_than_planned_gives_no_sum()
    {
        var plan = QuantizationPlan.For(Target(64, 8, 7, 1, 16, false, 1));
        using var federation = new Federation(8, 64);
        var parameters = ParametersOf(federation, plan);
        var round = new InProcessRound(parameters, federation.Identities, federation.Random)
        {
            InputOf = _ => Quantized(plan, new float[64], federation.Random),
            DropoutOf = client => client < 2 ? DropoutStage.BeforeUpload : DropoutStage.Never,
        };
        Assert.Equal(RefusalCode.TooFewSurvivors, round.Run(CancellationToken.None).Refusal!.Code);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void The_secure_sum_of_quantised_updates_is_the_sum_of_the_updates_and_the_planned_noise(bool rotate)
    {
        const int Dimension = 3000;
        var plan = QuantizationPlan.For(Target(Dimension, 6, 5, 0, 16, rotate, 2));
        using var federation = new Federation(6, Dimension);
        var updates = Enumerable.Range(0, 6).Select(client => Update(Dimension, client, norm: 3)).ToArray();
        var round = new InProcessRound(ParametersOf(federation, plan), federation.Identities, federation.Random)
        {
            InputOf = client => Quantized(plan, updates[client], federation.Random),
            DropoutOf = client => client == 5 ? DropoutStage.BeforeUpload : DropoutStage.Never,
        };
        var sum = plan.Read(round.Run(CancellationToken.None).Required)!;

        // Every update is clipped from norm 3 to 1. What is left is noise of five hospitals and rounding: chi-square with 3000 degrees of freedom, which leaves
        // [2400, 3700] with probability below 1e-12 (Laurent, Massart, 2000, Lemma 1: deviations of 2 sqrt(dx) + 2x with x = 28).
        var step = Math.ScaleB(1, plan.StepExponent);
        var variance = 5 * ((plan.Sigma * plan.Sigma) + 0.25) * step * step;
        var squares = sum.Select((value, i) => value - updates.Take(5).Sum(update => update[i] / 3.0)).Sum(error => error * error);
        Assert.InRange(squares / variance, 2400, 3700);
    }

    [Fact]
    public void Rounding_is_the_floor_of_the_scaled_value_plus_a_uniform_number()
    {
        // The reference is exact: decimals hold the values (multiples of 2^-20 here), the scale (a power of two) and the word.
        Gen.Select(Gen.Int[-1 << 22, 1 << 22].Array[1, 40], Gen.UInt.Array[40], Gen.Int[0, 12]).Sample(
            (numerators, words, exponent) =>
            {
                var values = numerators.Select(numerator => numerator / 1048576f).ToArray();
                var rounded = new int[values.Length];
                var squares = StochasticRounding.Round(values, 1 << exponent, 1 << 20, words.AsSpan(0, values.Length), rounded);
                var expected = numerators.Select((numerator, i) => (int)Math.Floor(((decimal)numerator / 1048576 * (1 << exponent)) + (words[i] / 4294967296m))).ToArray();
                Assert.Equal(expected, rounded);
                Assert.Equal(expected.Sum(value => (double)value * value), squares);
            },
            iter: 2000);
    }

    [Fact]
    public void Rounding_is_right_on_average_and_to_the_nearest_is_not()
    {
        const int Count = 1 << 16;
        var values = Enumerable.Repeat(0.3f, Count).ToArray();
        var rounded = new int[Count];
        var words = new uint[Count];
        new TestRandom(3).Fill(System.Runtime.InteropServices.MemoryMarshal.AsBytes(words.AsSpan()));
        StochasticRounding.Round(values, 1, 100, words, rounded);

        // Binomial with mean 19661 and deviation 117: seven deviations, one false alarm in 4e11 runs. The naive rounding loses everything.
        Assert.InRange(rounded.Sum(), 19661 - (7 * 118), 19661 + (7 * 118));
        Assert.Equal(0, values.Sum(value => (int)Math.Round(value)));
    }

    [Fact]
    public void A_whole_number_of_steps_is_never_moved_and_the_largest_value_clamps()
    {
        float[] values = [0, 1, -1, 1000, -1000, 5000, -5000, 3, 4];
        foreach (var word in new[] { 0u, 1u, uint.MaxValue })
        {
            var rounded = new int[values.Length];
            StochasticRounding.Round(values, 1, 1000, Enumerable.Repeat(word, values.Length).ToArray(), rounded);
            Assert.Equal([0, 1, -1, 1000, -1000, 1000, -1000, 3, 4], rounded);
        }
    }

    [Theory, InlineData(false), InlineData(true)]
    public void No_update_exceeds_the_bound_whatever_is_in_it(bool rotate)
    {
        var plan = QuantizationPlan.For(Target(100, 8, 7, 1, 16, rotate, 1));
        var quantizer = new UpdateQuantizer(plan);
        float[] extremes = [0, 1, -1, float.MaxValue, -float.MaxValue, float.Epsilon, 1e-30f, 0.01f, 1e20f];
        Gen.Int[0, extremes.Length - 1].Array[100].Select(Gen.Long).Sample(
            (picked, seed) =>
            {
                var values = new int[100];
                Assert.Null(quantizer.Round(picked.Select(i => extremes[i]).ToArray(), values, new TestRandom(seed)));
                Assert.True(values.Sum(value => (double)value * value) <= plan.Bound * plan.Bound);
                Assert.All(values, value => Assert.InRange(value, -plan.LargestValue, plan.LargestValue));
            },
            iter: 300);
    }

    [Theory, InlineData(float.NaN, 0), InlineData(float.PositiveInfinity, 99), InlineData(float.NegativeInfinity, 50), InlineData(float.NaN, 97)]
    public void An_update_that_is_not_finite_is_refused_before_it_is_quantised(float value, int place)
    {
        var plan = QuantizationPlan.For(Target(100, 8, 7, 1, 16, false, 1));
        var update = Update(100, 1, 1);
        update[place] = value;
        var values = Enumerable.Repeat(7, 100).ToArray();
        Assert.Equal(new Refusal(RefusalCode.NotFinite), new UpdateQuantizer(plan).Quantize(update, values, new TestRandom(1)));
        Assert.All(values, one => Assert.Equal(0, one));
    }

    [Fact]
    public void Two_quantisations_of_one_update_differ()
    {
        var plan = QuantizationPlan.For(Target(100, 8, 7, 1, 16, false, 1));
        var update = Update(100, 1, 1);
        var random = new TestRandom(4);
        Assert.NotEqual(Quantized(plan, update, random), Quantized(plan, update, random));
    }

    [Theory]
    [InlineData(0, 8, 7, 1, 16, 1.0), InlineData(100, 8, 9, 1, 16, 1.0), InlineData(100, 8, 7, 7, 16, 1.0), InlineData(100, 8, 7, -1, 16, 1.0), InlineData(100, 8, 7, 1, 3, 1.0)]
    [InlineData(100, 8, 7, 1, 22, 1.0), InlineData(100, 8, 7, 1, 16, 0.0), InlineData(1_000_000, 8, 7, 1, 4, 0.001)]
    public void A_target_that_cannot_be_kept_is_refused(int dimension, int clients, int survivors, int corrupt, int bits, double rho) =>
        Assert.ThrowsAny<ArgumentException>(() => QuantizationPlan.For(Target(dimension, clients, survivors, corrupt, bits, false, rho)));

    [Theory, InlineData(0), InlineData(double.NaN), InlineData(double.PositiveInfinity), InlineData(-1), InlineData(1e-200)]
    public void A_clip_norm_that_is_none_is_refused(double clipNorm) =>
        Assert.ThrowsAny<ArgumentException>(() => QuantizationPlan.For(Target(100, 8, 7, 1, 16, false, 1) with { ClipNorm = clipNorm }));

    [Fact]
    public void Everything_that_changes_the_noise_changes_the_hash_that_hospitals_sign()
    {
        var target = Target(100, 8, 7, 1, 16, false, 1);
        QuantizationTarget[] targets =
        [
            target, target with { Dimension = 101 }, target with { ClipNorm = 1.01 }, target with { Rho = new Rho(1.01) }, target with { Clients = 9 }, target with { MinimumSurvivors = 8 },
            target with { Corrupt = 0 }, target with { ValueBits = 17 }, target with { RotationSeed = Seed }, target with { Relation = NeighbouringRelation.ReplaceOne },
        ];
        Assert.Equal(targets.Length, targets.Select(one => Convert.ToHexString(QuantizationPlan.For(one).Hash.Span)).Distinct().Count());
        Assert.Equal(QuantizationPlan.For(target).Hash.ToArray(), QuantizationPlan.For(target).Hash.ToArray());
    }

    internal static float[] Update(int dimension, int client, double norm)
    {
        var random = new TestRandom(client + 100);
        var raw = Enumerable.Range(0, dimension).Select(_ => random.Below(2001) - 1000.0).ToArray();
        var length = Math.Sqrt(raw.Sum(value => value * value));
        return [.. raw.Select(value => (float)(value / length * norm))];
    }

    internal static QuantizationTarget Target(int dimension, int clients, int survivors, int corrupt, int bits, bool rotate, double rho) => new()
    {
        Dimension = dimension, ClipNorm = 1, Rho = new Rho(rho), Clients = clients, MinimumSurvivors = survivors, Corrupt = corrupt, ValueBits = bits,
        RotationSeed = rotate ? Seed : default(ReadOnlyMemory<byte>),
    };

    internal static RoundParameters ParametersOf(Federation federation, QuantizationPlan plan) =>
        plan.RoundFor("quantised", 1, AggregationMode.Mask, [.. federation.Identities.Select(identity => identity.PublicKey)], SHA256.HashData([1]));

    internal static int[] Quantized(QuantizationPlan plan, float[] update, TestRandom random)
    {
        var values = new int[update.Length];
        Assert.Null(new UpdateQuantizer(plan).Quantize(update, values, random));
        return values;
    }
}
