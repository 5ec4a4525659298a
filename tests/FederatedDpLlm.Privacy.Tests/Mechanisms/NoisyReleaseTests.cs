using CsCheck;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Mechanisms;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.Privacy.Tests.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Mechanisms;

public sealed class NoisyReleaseTests
{
    private const NeighbouringRelation Replace = NeighbouringRelation.ReplaceOne;

    // The pipeline: sensitivity, calibration, mechanism, event, accounting. The account, made anew from the event, is the promise and hardly less.
    [Fact]
    public void A_mechanism_keeps_the_promise_it_was_made_for_and_wastes_little() =>
        Gen.Select(Gen.Double[0.01, 10], Gen.Int[1, 1000], Gen.Double[1e-6, 1e6]).Sample(
            (epsilon, size, value) =>
            {
                Assert.InRange(LaplaceMechanism.ForEpsilon(new(epsilon), new(size, Replace)).Epsilon.Value, epsilon * 0.999, epsilon);
                var sensitivity = new L2Sensitivity(value, Replace);
                var gaussian = GaussianMechanism.ForEpsilon(new(epsilon), new(1e-6), sensitivity, size);
                Assert.InRange(PrivacyLoss.EpsilonAt(gaussian.Event, new(1e-6)).Upper, epsilon * 0.99, epsilon);
                Assert.Equal(Replace, gaussian.Event.Relation);
                var vector = VectorGaussianMechanism.ForEpsilon(new(epsilon), new(1e-6), sensitivity, 1000 * size);
                var left = new Delta(1e-6 - vector.SamplingDelta(new(epsilon)).Value);
                Assert.InRange(PrivacyLoss.EpsilonAt(vector.Event, left).Upper, epsilon * 0.99, epsilon);
                var zero = GaussianMechanism.ForRho(new(epsilon), sensitivity, size);
                Assert.InRange(zero.Rho.Value, epsilon * 0.99, epsilon);
                Assert.InRange(zero.Sigma, value / Math.Sqrt(2 * epsilon), value / Math.Sqrt(2 * epsilon) * 1.005);
            },
            iter: 30);

    // What the noise really is over what really differs: sensitivity and half a step for each of two roundings.
    [Fact]
    public void The_event_counts_the_rounding_to_the_grid()
    {
        foreach (var (multiplier, dimension) in new[] { (0.01, 1), (1.0, 1), (1, 10_000), (40, 1_000_000), (1000, 3) })
        {
            var mechanism = VectorGaussianMechanism.OfNoiseMultiplier(multiplier, new(0.3, Replace), dimension);
            var claimed = ((GaussianEvent)mechanism.Event).NoiseMultiplier;
            Assert.InRange(claimed, multiplier, multiplier * (1 + 1e-9));
            Assert.InRange(mechanism.Sigma, 0.3 * multiplier, 0.3 * multiplier * (1 + Math.ScaleB(1, -9)));
        }
    }

    [Fact]
    public void Released_numbers_lie_on_the_public_grid_and_what_is_no_number_counts_as_nothing()
    {
        var mechanism = GaussianMechanism.ForRho(new(0.5), new(1, Replace), 4);
        var step = Math.ScaleB(1, -13);
        Span<double> noisy = stackalloc double[4];
        mechanism.Release([Math.PI, double.NaN, double.PositiveInfinity, -1e300], noisy, new SeededRandom(3));
        foreach (var value in noisy)
        {
            Assert.Equal(Math.Round(value / step), value / step);
        }

        Assert.InRange(noisy[1], -8, 8);
        Assert.InRange(noisy[2], Math.ScaleB(1, 40), Math.ScaleB(1, 62));
        Assert.InRange(noisy[3], -Math.ScaleB(1, 62), -Math.ScaleB(1, 40));
        Assert.Throws<ArgumentException>(() => mechanism.Release(new double[3], new double[3], new SeededRandom(3)));
        Assert.Throws<ArgumentException>(() => mechanism.Release(new double[4], new double[3], new SeededRandom(3)));
    }

    // Mean and variance of 200,000 coordinates about their values: 5.5 standard deviations each (2e-7 in all).
    [Fact]
    public void Vectors_of_either_type_get_the_noise_of_their_sigma()
    {
        const int Dimension = 200_000;
        var values = Enumerable.Range(0, Dimension).Select(i => i % 7 * 0.25).ToArray();
        var mechanism = VectorGaussianMechanism.OfNoiseMultiplier(1.5, new(2, NeighbouringRelation.AddOrRemoveOne), Dimension);
        var noisy = values.ToArray();
        mechanism.Release(noisy, new SeededRandom(5));
        var floats = values.Select(value => (float)value).ToArray();
        mechanism.Release(floats, new SeededRandom(5));
        var exact = new double[Dimension];
        GaussianMechanism.OfNoiseMultiplier(1.5, new(2, NeighbouringRelation.AddOrRemoveOne), Dimension).Release(values, exact, new SeededRandom(6));
        foreach (var released in new[] { noisy, floats.Select(value => (double)value).ToArray(), exact })
        {
            var noise = released.Zip(values, (one, value) => (one - value) / mechanism.Sigma).ToArray();
            Assert.InRange(ChiSquared.ZScore(noise.Sum(x => x * x), Dimension), -5.5, 5.5);
            Assert.InRange(noise.Sum() / Math.Sqrt(Dimension), -5.5, 5.5);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => mechanism.Release(new float[3], new SeededRandom(5)));
    }

    [Fact]
    public void A_delta_that_the_sampler_alone_would_spend_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => VectorGaussianMechanism.ForEpsilon(new(20), new(1e-6), new(1, Replace), 100_000_000));
        Assert.Throws<ArgumentOutOfRangeException>(() => GaussianMechanism.OfNoiseMultiplier(0, new(1, Replace), 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => GaussianMechanism.OfNoiseMultiplier(1e9, new(1, Replace), 1_000_000));
        Assert.Throws<ArgumentOutOfRangeException>(() => GaussianMechanism.OfNoiseMultiplier(1, new(1, Replace), 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => GaussianMechanism.ForRho(default, new(1, Replace), 1));
    }

    [Fact]
    public void Sensitivities_say_what_a_replaced_unit_does()
    {
        Assert.Equal(2, L2Sensitivity.OfClippedSum(1, Replace).Value);
        Assert.Equal(1, L2Sensitivity.OfClippedSum(1, NeighbouringRelation.ReplaceByNothing).Value);
        Assert.Equal(1, L2Sensitivity.OfClippedSum(1, NeighbouringRelation.AddOrRemoveOne).Value);
        Assert.Equal(6, L1Sensitivity.OfHistogram(3, Replace).Value);
        Assert.Equal(3, L1Sensitivity.OfHistogram(3, NeighbouringRelation.AddOrRemoveOne).Value);
        Assert.Throws<ArgumentOutOfRangeException>(() => new L2Sensitivity(0, Replace));
        Assert.Throws<ArgumentOutOfRangeException>(() => new L2Sensitivity(double.NaN, Replace));
        Assert.Throws<ArgumentOutOfRangeException>(() => new L1Sensitivity(0, Replace));
    }

    [Fact]
    public void A_histogram_is_one_release_and_saturates_at_the_ends()
    {
        var mechanism = LaplaceMechanism.ForEpsilon(new(1), L1Sensitivity.OfHistogram(1, Replace));
        Assert.Equal(2, mechanism.Scale, 1e-5);
        long[] counts = [5, long.MaxValue, long.MinValue, 0];
        var noisy = new long[4];
        mechanism.Release(counts, noisy, new SeededRandom(2));
        Assert.All(noisy.Zip(counts), pair => Assert.InRange((double)pair.First - pair.Second, -60, 60));
        Assert.Throws<ArgumentOutOfRangeException>(() => mechanism.Release(counts, new long[3], new SeededRandom(2)));
        Assert.Throws<ArgumentOutOfRangeException>(() => LaplaceMechanism.ForEpsilon(default, new(1, Replace)));
    }

    // False-alarm rate 2e-8: noise of its own for every bin.
    [Fact]
    public void Bins_do_not_share_their_noise()
    {
        var mechanism = LaplaceMechanism.ForEpsilon(new(1), new(1, Replace));
        var observed = new long[4];
        Span<long> noisy = stackalloc long[2];
        var random = new SeededRandom(13);
        for (var i = 0; i < 100_000; i++)
        {
            mechanism.Release([0, 0], noisy, random);
            observed[(noisy[0] > 0 ? 1 : 0) + (noisy[1] > 0 ? 2 : 0)]++;
        }

        var positive = Math.Exp(-1) / (1 + Math.Exp(-1));
        ChiSquared.AssertFits(observed, [(1 - positive) * (1 - positive), positive * (1 - positive), positive * (1 - positive), positive * positive]);
    }

    // False-alarm rate 2e-8: the published pmf of permute-and-flip for two candidates, P(worse) = e^-x/2.
    [Fact]
    public void Permute_and_flip_has_its_distribution()
    {
        var choice = PermuteAndFlip.ForEpsilon(new(1), NeighbouringRelation.ReplaceByNothing);
        var random = new SeededRandom(4);
        var observed = new long[2];
        for (var i = 0; i < 200_000; i++)
        {
            observed[choice.Choose([0, 2], random)]++;
        }

        ChiSquared.AssertFits(observed, [Math.Exp(-2) / 2, 1 - (Math.Exp(-2) / 2)]);
    }

    [Fact]
    public void Every_mechanism_says_beforehand_what_it_releases()
    {
        IMechanism[] mechanisms =
        [
            GaussianMechanism.ForRho(new(1), new(1, Replace), 2), VectorGaussianMechanism.OfNoiseMultiplier(1, new(1, Replace), 2), LaplaceMechanism.ForEpsilon(new(1), new(1, Replace)),
            ExponentialMechanism.ForEpsilon(new(1), Replace), PermuteAndFlip.ForEpsilon(new(1), Replace), RandomizedResponse.ForEpsilon(new(1), 3, Replace),
            AboveThreshold.ForEpsilon(new(1), new(1, Replace), 2), new FederatedDpLlm.Privacy.Clipping.AdaptiveClipNorm(1, 0.5, 100, 1, Replace),
        ];
        Assert.All(mechanisms, mechanism => Assert.InRange(Currency.Basic(new(1e-6)).CostOf(mechanism.Event), 1e-3, 10));
    }
}
