using System.Numerics;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Mechanisms;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.Privacy.Tests.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Mechanisms;

public sealed class GaussianGridTests
{
    private const NeighbouringRelation Replace = NeighbouringRelation.ReplaceOne;

    [Theory, InlineData(1e-250), InlineData(1e-3), InlineData(1.0), InlineData(1e250)]
    public void A_sensitivity_of_any_size_has_a_grid_fine_enough_to_cost_next_to_nothing(double sensitivity)
    {
        var mechanism = GaussianMechanism.OfNoiseMultiplier(2, new(sensitivity, Replace), 10);
        Assert.InRange(mechanism.Sigma / sensitivity, 2, 2 * (1 + Math.ScaleB(1, -9)));
        Assert.InRange(((GaussianEvent)mechanism.Event).NoiseMultiplier, 2, 2 * (1 + 1e-8));
    }

    [Theory, InlineData(1e-300), InlineData(1e300)]
    public void Where_no_grid_of_ordinary_numbers_is_left_the_sensitivity_is_refused(double sensitivity)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => GaussianMechanism.OfNoiseMultiplier(2, new(sensitivity, Replace), 10));
        Assert.Throws<ArgumentOutOfRangeException>(() => VectorGaussianMechanism.OfNoiseMultiplier(2, new(sensitivity, Replace), 10));
    }

    // Noise of variance v on d coordinates of sensitivity 1 in steps of 2^-11, rounded to them: m (2^11 + sqrt(d)) is at most sqrt(v - 4), in whole numbers.
    [Theory, InlineData(2), InlineData(3)]
    public void The_noise_multiplier_of_an_event_is_never_above_the_truth(int dimension)
    {
        var grid = new GaussianGrid(1, new(1, Replace), dimension, DiscreteGaussianSampler.LargestSigma);
        for (var i = 0; i < 300; i++)
        {
            var variance = 4_200_000 * (1 + (i * Math.PI / 1000));
            var multiplier = grid.EventOf(variance, Replace).NoiseMultiplier;
            BigInteger m = (BigInteger)Math.ScaleB(multiplier, 60), squared = m * m, rest = ((BigInteger)Math.ScaleB(variance - 4, 60) << 60) - (squared * ((1 << 22) + dimension));
            Assert.True(rest >= 0 && squared * squared * (1 << 24) * dimension <= rest * rest, $"{multiplier:R} at {variance:R}");
            Assert.Equal(Math.Sqrt(variance - 4) / (2048 + Math.Sqrt(dimension)), multiplier, 1e-14);
        }
    }

    // Twice the samples, twice the distance; none, none.
    [Fact]
    public void The_samplers_delta_counts_every_coordinate_of_every_release()
    {
        var mechanism = VectorGaussianMechanism.OfNoiseMultiplier(1, new(1, Replace), 1000);
        var once = mechanism.SamplingDelta(new(1)).Value;
        Assert.InRange(once, (1 + Math.E) * 1000 * Math.ScaleB(1, -100), (1 + Math.E) * 1000 * BatchGaussianSampler.LargestDistance);
        Assert.Equal(3 * once, mechanism.SamplingDelta(new(1), 3).Value, 1e-9 * once);
        Assert.Equal(0, mechanism.SamplingDelta(new(1), 0).Value);
        Assert.Throws<ArgumentOutOfRangeException>(() => mechanism.SamplingDelta(new(1), -1));
        Assert.Throws<OverflowException>(() => mechanism.SamplingDelta(new(1), long.MaxValue));
    }

    [Fact]
    public void What_is_no_number_is_released_as_0_is()
    {
        double[] poisoned = [double.NaN, 7], clean = [0, 7];
        var mechanism = GaussianMechanism.OfNoiseMultiplier(1, new(1, Replace), 2);
        mechanism.Release(poisoned, poisoned, new SeededRandom(2));
        mechanism.Release(clean, clean, new SeededRandom(2));
        Assert.Equal(clean, poisoned);
    }

    // Noise of a small multiplier is small: the value comes through, rounded to the grid and no further.
    [Fact]
    public void Values_keep_their_places_and_their_signs()
    {
        double[] values = [3, -5, 0, 1e6, -1e-3];
        var noisy = new double[5];
        GaussianMechanism.OfNoiseMultiplier(1e-6, new(1, Replace), 5).Release(values, noisy, new SeededRandom(9));
        Assert.All(values.Zip(noisy), pair => Assert.InRange(pair.Second - pair.First, -1e-5, 1e-5));
        VectorGaussianMechanism.OfNoiseMultiplier(1e-6, new(1, Replace), 5).Release(values, new SeededRandom(9));
        Assert.All(values.Zip(noisy), pair => Assert.InRange(pair.Second - pair.First, -2e-5, 2e-5));
    }
}
