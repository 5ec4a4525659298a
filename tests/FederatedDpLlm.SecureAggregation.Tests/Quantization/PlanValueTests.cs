using System.Runtime.InteropServices;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.SecureAggregation.Masking;
using FederatedDpLlm.SecureAggregation.Quantization;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Quantization;

/// <summary>The figures of a plan and the integers of a quantised update, beside their definitions.</summary>
public sealed class PlanValueTests
{
    [Theory, InlineData(1000, 16, false), InlineData(3000, 16, true), InlineData(1_000_000, 18, true), InlineData(50, 20, false)]
    public void The_figures_of_a_plan_are_those_of_its_definitions(int dimension, int bits, bool rotate)
    {
        var plan = QuantizationPlan.For(QuantizationTests.Target(dimension, 16, 11, 2, bits, rotate, 1));
        var norm = Math.ScaleB(1, -plan.StepExponent);
        var flattening = rotate ? Math.Min(1, Math.Sqrt(2 * Math.Log(2.0 * dimension * (1 << 20))) / Math.Sqrt(HadamardRotation.BlockOf(dimension))) : 1;
        Assert.Equal((int)Math.Ceiling(norm * flattening) + 1, plan.LargestValue);
        Assert.Equal(SumOfDiscreteGaussiansEvent.AfterStochasticRounding(norm, dimension, Math.Exp(-10)), plan.Bound);
        double room = (1 << (bits - 1)) - plan.LargestValue;
        Assert.Equal(2.0 * dimension * 16 * Math.Exp(-room * room / (2 * plan.Sigma * plan.Sigma)), plan.OverflowProbability, plan.OverflowProbability * 1e-7);
        Assert.Equal(9, plan.HonestSurvivors);
    }

    [Fact]
    public void No_value_overflows_with_a_probability_above_2_to_the_minus_40_also_where_a_step_barely_fits()
    {
        // Over a factor of 4.9 in rho every plan meets the point where its step no longer fits, in strides of a seventh of a bit.
        var target = QuantizationTests.Target(1000, 8, 7, 1, 12, false, 1);
        var bits = Enumerable.Range(0, 640).Select(i => Math.Log2(QuantizationPlan.For(target with { Rho = new(0.25 * Math.Pow(1.0025, i)) }).OverflowProbability)).ToList();
        Assert.All(bits, one => Assert.InRange(one, double.NegativeInfinity, -40));
        Assert.Contains(bits, one => one > -40.5);
    }

    [Fact]
    public void A_sum_is_read_in_the_updates_unit()
    {
        var plan = QuantizationPlan.For(QuantizationTests.Target(5, 8, 7, 1, 16, false, 1));
        int[] sum = [0, 1, -1, 1000, -70_000];
        Assert.Equal(sum.Select(value => (float)Math.ScaleB(value, plan.StepExponent)), plan.Read(new AggregateSum(sum, [.. Enumerable.Range(0, 7)], []))!);
        Assert.Throws<ArgumentOutOfRangeException>(() => plan.Read(new AggregateSum(new int[4], [.. Enumerable.Range(0, 7)], [])));
    }

    [Fact]
    public void An_update_below_the_clip_norm_is_rounded_value_by_value_with_its_own_word_of_the_keystream()
    {
        // More than one piece, and a last one that is no multiple of any register.
        const int Length = 8192 + 8192 + 37;
        var plan = QuantizationPlan.For(QuantizationTests.Target(Length, 8, 7, 1, 18, false, 1));
        var update = QuantizationTests.Update(Length, 3, 0.9);
        var values = new int[Length];
        Assert.Null(new UpdateQuantizer(plan).Round(update, values, new TestRandom(5)));

        var key = new byte[CounterKeystream.KeySizeBytes];
        new TestRandom(5).Fill(key);
        using var stream = new CounterKeystream(key);
        var words = new uint[Length];
        stream.AddTo(words, 0);
        var scale = Math.ScaleB(1 - 4e-6, -plan.StepExponent);
        Assert.Equal(update.Select((value, i) => (int)Math.Floor((value * scale) + (words[i] / 4294967296.0))), values);
    }

    [Theory, InlineData(4096), InlineData(9000)]
    public void With_a_rotation_the_clipped_and_rotated_update_is_rounded(int length)
    {
        var plan = QuantizationPlan.For(QuantizationTests.Target(length, 8, 7, 1, 18, true, 1));
        var update = QuantizationTests.Update(length, 3, 0.9);
        var values = new int[length];
        Assert.Null(new UpdateQuantizer(plan).Round(update, values, new TestRandom(5)));

        var rotated = update.Select(value => (float)(value * (1 - 4e-6))).ToArray();
        new HadamardRotation(plan.Target.RotationSeed.Span, length).Apply(rotated);
        var key = new byte[CounterKeystream.KeySizeBytes];
        new TestRandom(5).Fill(key);
        using var stream = new CounterKeystream(key);
        var words = new uint[length];
        stream.AddTo(words, 0);
        var scale = Math.ScaleB(1.0, -plan.StepExponent);
        Assert.Equal(rotated.Select((value, i) => (int)Math.Floor((value * scale) + (words[i] / 4294967296.0))), values);
        Assert.True(values.Distinct().Count() > 20);
    }

    [Fact]
    public void An_update_beyond_the_clip_norm_is_scaled_down_to_it()
    {
        var plan = QuantizationPlan.For(QuantizationTests.Target(1000, 8, 7, 1, 20, false, 1));
        var (small, large) = (new int[1000], new int[1000]);
        Assert.Null(new UpdateQuantizer(plan).Round(QuantizationTests.Update(1000, 3, 1), small, new TestRandom(5)));
        Assert.Null(new UpdateQuantizer(plan).Round(QuantizationTests.Update(1000, 3, 250), large, new TestRandom(5)));
        Assert.All(small.Zip(large), pair => Assert.InRange(pair.First - pair.Second, -1, 1));
    }

    [Fact]
    public void Noise_is_added_to_every_value_and_has_the_planned_deviation()
    {
        const int Length = 8192 + 5000;
        var plan = QuantizationPlan.For(QuantizationTests.Target(Length, 8, 7, 1, 18, false, 1));
        var values = new int[Length];
        Assert.Null(new UpdateQuantizer(plan).Quantize(new float[Length], values, new TestRandom(6)));

        // 13,192 and 5,000 squares: eight standard errors of sqrt(2/n) each, one false alarm in 10^14 (the bytes are the same in every run besides).
        foreach (var part in new[] { values, values[8192..] })
        {
            var ratio = part.Average(value => (double)value * value) / (plan.Sigma * plan.Sigma);
            Assert.InRange(ratio, 1 - (8 * Math.Sqrt(2.0 / part.Length)), 1 + (8 * Math.Sqrt(2.0 / part.Length)));
        }
    }

    [Fact]
    public void Vectors_of_a_wrong_length_are_mistakes_of_the_caller()
    {
        var quantizer = new UpdateQuantizer(QuantizationPlan.For(QuantizationTests.Target(10, 8, 7, 1, 16, false, 1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => quantizer.Quantize(new float[9], new int[10], new TestRandom(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => quantizer.Quantize(new float[10], new int[11], new TestRandom(1)));
        Assert.Throws<ArgumentNullException>(() => quantizer.Quantize(new float[10], new int[10], null!));
        Assert.Throws<ArgumentNullException>(() => new UpdateQuantizer(null!));
        Assert.Throws<ArgumentNullException>(() => QuantizationPlan.For(null!));
        Assert.Throws<ArgumentNullException>(() => QuantizationPlan.For(QuantizationTests.Target(10, 8, 7, 1, 16, false, 1)).Check(null!));
        Assert.Throws<ArgumentOutOfRangeException>(() => new HadamardRotation(new byte[31], 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => new HadamardRotation(new byte[32], 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new HadamardRotation(new byte[32], 4).Apply(new float[5]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new HadamardRotation(new byte[32], 4).Undo(new float[3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => StochasticRounding.Round(new float[4], 1, 0, new uint[4], new int[4]));
        Assert.Throws<ArgumentOutOfRangeException>(() => StochasticRounding.Round(new float[4], 1, 1, new uint[3], new int[4]));
        Assert.Throws<ArgumentOutOfRangeException>(() => StochasticRounding.Round(new float[4], 1, 1, new uint[4], new int[5]));
        Assert.ThrowsAny<ArgumentException>(() => QuantizationPlan.For(QuantizationTests.Target(10, 8, 7, 1, 16, false, 1) with { RotationSeed = new byte[31] }));
        Assert.ThrowsAny<ArgumentException>(() => QuantizationPlan.For(QuantizationTests.Target(10, 8, 7, 1, 16, false, double.PositiveInfinity)));
    }

    [Fact]
    public void The_rotation_flips_signs_by_the_top_bits_of_its_keystream_and_mixes_within_a_block()
    {
        // A vector of one block: the rotation of a unit vector is a row of the matrix with that coordinate's sign.
        var seed = new byte[32];
        var key = System.Security.Cryptography.HKDF.DeriveKey(System.Security.Cryptography.HashAlgorithmName.SHA256, seed, 16, [], "head"u8.ToArray());
        using var stream = new CounterKeystream(key);
        var signs = new uint[2048];
        stream.AddTo(signs, 0);
        foreach (var place in new[] { 0, 1, 5, 1023, 1024, 2047 })
        {
            var unit = new float[2048];
            unit[place] = 1;
            new HadamardRotation(seed, 2048).Apply(unit);
            Assert.Equal(signs[place] >> 31 == 1, unit[0] < 0);
            Assert.All(unit, value => Assert.Equal(1 / Math.Sqrt(2048), Math.Abs(value), 1e-7));
        }
    }
}
