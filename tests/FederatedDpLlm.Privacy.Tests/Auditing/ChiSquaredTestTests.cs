using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Auditing;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.Privacy.Tests.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Auditing;

public sealed class ChiSquaredTestTests
{
    // Even degrees have a closed form, e^(-x/2) sum of (x/2)^k/k!; odd ones start from erfc: Q(1/2, 1/2) = 0.31731050786291.
    [Fact]
    public void Tails_are_those_of_the_chi_squared_distribution()
    {
        foreach (var degrees in new[] { 2, 4, 10, 60, 400 })
        {
            foreach (var ratio in new[] { 0.1, 0.5, 0.99, 1.0, 1.5, 3 })
            {
                double x = ratio * degrees / 2, term = Math.Exp(-x), closed = 0;
                for (var k = 0; k < degrees / 2; k++)
                {
                    closed += term;
                    term *= x / (k + 1);
                }

                Assert.Equal(closed, ChiSquaredTest.Above(2 * x, degrees), 1e-9 * closed);
            }
        }

        Assert.Equal(0.31731050786291, ChiSquaredTest.Above(1, 1), 1e-12);
        Assert.Equal(0.8012519569, ChiSquaredTest.Above(1, 3), 1e-9);
        Assert.Equal(1, ChiSquaredTest.Above(0, 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => ChiSquaredTest.Above(-1, 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => ChiSquaredTest.Above(1, 0));
    }

    // Every sampler against its own probabilities, and against what a careless one gives. Refuted below 1e-7.
    [Fact]
    public void Exact_samplers_pass_and_rounded_ones_are_refuted()
    {
        var samples = new long[200_000];
        DiscreteGaussianSampler.AtLeast(1).Fill(samples, new SeededRandom(1));
        Assert.InRange(ChiSquaredTest.PValue(samples, DiscreteGaussianMass.Of(1), -9, 9), 1e-7, 1);
        Assert.InRange(ChiSquaredTest.PValue(samples, DiscreteGaussianMass.Of(1.02), -9, 9), 0, 1e-7);

        // A rounded continuous Gaussian of sigma 1 has 0.383 at 0, not 0.399.
        var random = new SeededRandom(2);
        var rounded = samples.Select(_ => (long)Math.Round(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()))).ToArray();
        Assert.InRange(ChiSquaredTest.PValue(rounded, DiscreteGaussianMass.Of(1), -9, 9), 0, 1e-7);

        // Even numbers only: what noise on the low bits of a float does.
        Assert.InRange(ChiSquaredTest.PValue([.. samples.Select(sample => sample & ~1L)], DiscreteGaussianMass.Of(1), -9, 9), 0, 1e-7);

        // A few that lie where none can be.
        var stray = samples.ToArray();
        stray.AsSpan(0, 40).Fill(50);
        Assert.InRange(ChiSquaredTest.PValue(stray, DiscreteGaussianMass.Of(1), -9, 9), 0, 1e-7);
    }

    // p-values of a right sampler are uniform: 2,000 of them in ten cells, at a false-alarm rate of 2e-8.
    [Fact]
    public void P_values_of_a_right_sampler_are_uniform()
    {
        var random = new SeededRandom(3);
        var cells = new long[10];
        var samples = new long[2000];
        var sampler = new DiscreteLaplaceSampler(3, 1);
        var rate = Math.Exp(-1.0 / 3);
        for (var i = 0; i < 2000; i++)
        {
            sampler.Fill(samples, random);
            cells[Math.Min(9, (int)(10 * ChiSquaredTest.PValue(samples, x => (1 - rate) / (1 + rate) * Math.Pow(rate, Math.Abs(x)), -60, 60)))]++;
        }

        ChiSquared.AssertFits(cells, [.. Enumerable.Repeat(0.1, 10)]);
        Assert.Throws<ArgumentException>(() => ChiSquaredTest.PValue(samples.AsSpan(0, 10), _ => 0.01, 0, 99));
    }
}
