using CsCheck;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Clipping;
using FederatedDpLlm.Privacy.Mechanisms;
using FederatedDpLlm.Privacy.Tests.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Mechanisms;

public sealed class NoisyReleaseTests
{
    private const NeighbouringRelation Replace = NeighbouringRelation.ReplaceOne;

    [Fact]
    public void A_mechanism_keeps_the_promise_it_was_made_for() =>
        Gen.Select(Gen.Double[0.01, 20], Gen.Int[1, 1000], Gen.Double[1e-6, 1e6]).Sample((epsilon, size, sensitivity) =>
        {
            Assert.InRange(LaplaceMechanism.ForEpsilon(new(epsilon), size, Replace).Epsilon.Value, epsilon * 0.999, epsilon);
            var gaussian = GaussianMechanism.ForEpsilon(new(epsilon), new(1e-6), sensitivity, size, Replace);
            Assert.InRange(ZeroConcentrated.EpsilonAt(gaussian.Rho, new(1e-6)), epsilon * 0.999, epsilon);
            Assert.Equal(sensitivity / Math.Sqrt(2 * gaussian.Rho.Value), gaussian.Sigma, gaussian.Sigma * 1e-3);
        });

    [Fact]
    public void Released_numbers_lie_on_the_public_grid()
    {
        var mechanism = GaussianMechanism.ForRho(new(0.5), 1, 3, Replace);
        Span<double> noisy = stackalloc double[3];
        mechanism.Release([Math.PI, double.NaN, double.PositiveInfinity], noisy, new SeededRandom(3));
        foreach (var value in noisy)
        {
            Assert.Equal(Math.Round(value * (1 << 20)), value * (1 << 20));
        }
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
}
