using CsCheck;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Clipping;
using FederatedDpLlm.Privacy.Tests.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Clipping;

public sealed class ClippingTests
{
    [Fact]
    public void Nothing_leaves_the_clip_norm() =>
        Gen.Select(Gen.Double.Array[1, 50], Gen.Double[1e-3, 1e3]).Sample((vector, norm) =>
        {
            var clipped = vector.ToArray();
            var before = VectorClipping.ToL2(clipped, norm);
            Assert.True(Math.Sqrt(clipped.Sum(x => x * x)) <= norm);
            Assert.True(before > norm || vector.SequenceEqual(clipped) || before == 0);
            VectorClipping.ToLargest(vector, norm);
            Assert.All(vector, x => Assert.InRange(x, -norm, norm));
        });

    // Squares of floats are exact as decimals of 2 x 24 bits: their sum in doubles is off by far less than the margin.
    [Fact]
    public void No_gradient_of_floats_leaves_the_clip_norm_or_loses_more_than_rounding() =>
        Gen.Select(Gen.Float[-1e20f, 1e20f].Array[1, 200], Gen.Double[1e-6, 1e20]).Sample((vector, norm) =>
        {
            var clipped = vector.ToArray();
            var before = VectorClipping.ToL2(clipped, norm);
            var exact = Math.Sqrt(vector.Sum(x => (double)x * x));
            Assert.Equal(exact, before, exact * 1e-12);
            var after = Math.Sqrt(clipped.Sum(x => (double)x * x));
            Assert.InRange(after, Math.Min(exact, norm) * (1 - 1e-6), Math.Min(exact, norm) * (1 + 1e-15));
            Assert.True(before > norm || vector.SequenceEqual(clipped));
        });

    [Theory, InlineData(float.NaN), InlineData(float.PositiveInfinity), InlineData(float.NegativeInfinity)]
    public void What_is_no_number_contributes_nothing(float poison)
    {
        for (var at = 0; at < 19; at++)
        {
            var floats = Enumerable.Repeat(1f, 19).ToArray();
            floats[at] = poison;
            var doubles = floats.Select(x => (double)x).ToArray();
            Assert.Equal(0, VectorClipping.ToL2(floats, 1));
            Assert.Equal(0, VectorClipping.ToL2(doubles, 1));
            Assert.All(floats, x => Assert.Equal(0, x));
            Assert.All(doubles, x => Assert.Equal(0, x));
        }

        float[] clamped = [poison, 0.5f, -7];
        VectorClipping.ToLargest(clamped, 2);
        Assert.Equal([float.IsNaN(poison) ? 0 : float.Sign(poison) * 2, 0.5f, -2], clamped);
    }

    [Fact]
    public void A_vector_of_zeros_or_of_nothing_stays_what_it_is()
    {
        Assert.Equal(0, VectorClipping.ToL2(new double[3], 1));
        Assert.Equal(0, VectorClipping.ToL2(new float[3], 1));
        Assert.Equal(0, VectorClipping.ToL2(Span<float>.Empty, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => VectorClipping.ToL2(new float[1], 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => VectorClipping.ToL2(new float[1], double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => VectorClipping.ToL2(new double[1], 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => VectorClipping.ToLargest(new double[1], -1));
    }

    // Log-normal norms: the 0.8 quantile is e^0.8416. The noise of 1,000 units with sigma_b 50 moves the share by 0.05, so the norm settles within a few per cent.
    [Theory, InlineData(0.01), InlineData(1.0), InlineData(100.0)]
    public void The_clip_norm_finds_the_quantile_from_anywhere(double initial)
    {
        var random = new SeededRandom(9);
        var clip = new AdaptiveClipNorm(initial, 0.8, 1000, 100, NeighbouringRelation.AddOrRemoveOne);
        var last = new List<double>();
        for (var step = 0; step < 300; step++)
        {
            var norms = Enumerable.Range(0, 1000).Select(_ => Math.Exp(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())));
            clip.Update(norms.Count(norm => norm <= clip.ClipNorm), 1000, random);
            last.Add(clip.ClipNorm);
        }

        Assert.Equal(Math.Exp(0.8416), last.TakeLast(100).Average(), 0.15);
    }

    [Fact]
    public void A_step_moves_the_norm_by_the_rule_and_has_its_own_cost()
    {
        // Noise of 1e-3 units leaves the rule: C e^(-eta (share - quantile)).
        var clip = new AdaptiveClipNorm(1, 0.5, 100, 0.001, NeighbouringRelation.ReplaceOne, learningRate: 0.2);
        clip.Update(100, 100, new SeededRandom(1));
        Assert.Equal(Math.Exp(-0.1), clip.ClipNorm, 1e-3);
        clip.Update(0, 100, new SeededRandom(1));
        Assert.Equal(1, clip.ClipNorm, 1e-3);
        clip.Update(75, 100, new SeededRandom(1));
        Assert.Equal(Math.Exp(-0.05), clip.ClipNorm, 1e-3);
        clip.Update(0, 1_000_000, new SeededRandom(1));
        Assert.Equal(Math.Exp(0.05), clip.ClipNorm, 1e-3);
        Assert.InRange(((GaussianEvent)new AdaptiveClipNorm(1, 0.5, 100, 5, NeighbouringRelation.ReplaceOne).Event).NoiseMultiplier, 5, 5.0001);
        Assert.Throws<ArgumentOutOfRangeException>(() => clip.Update(2, 1, new SeededRandom(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => clip.Update(-1, 1, new SeededRandom(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AdaptiveClipNorm(0, 0.5, 100, 1, NeighbouringRelation.ReplaceOne));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AdaptiveClipNorm(1, 1.5, 100, 1, NeighbouringRelation.ReplaceOne));
    }

    // The same units but one: the sums that get noise differ by no more than the sensitivity, whatever the unit does.
    [Fact]
    public void One_unit_moves_the_count_by_its_sensitivity_at_most()
    {
        foreach (var (relation, within, units) in new[] { (NeighbouringRelation.ReplaceOne, 49L, 100L), (NeighbouringRelation.AddOrRemoveOne, 50, 101), (NeighbouringRelation.AddOrRemoveOne, 51, 101) })
        {
            var (one, other) = (Next(relation, 50, 100), Next(relation, within, units));
            Assert.InRange(Math.Abs(Math.Log(one / other)) * 2 * 100, 0, (relation == NeighbouringRelation.ReplaceOne ? 2 : 1) * (1 + 1e-9));
        }

        static double Next(NeighbouringRelation relation, long within, long units)
        {
            var clip = new AdaptiveClipNorm(1, 0.5, 100, 1, relation, learningRate: 1);
            clip.Update(within, units, new SeededRandom(4));
            return clip.ClipNorm;
        }
    }
}
