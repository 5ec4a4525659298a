using CsCheck;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Sampling;

public sealed class NoiseSamplerTests
{
    private const int Samples = 300_000;

    // Chi-squared at a false-alarm rate of 2e-8 a row; seeded.
    [Theory, InlineData(1u, 1u), InlineData(2u, 1u), InlineData(7u, 3u), InlineData(1u, 4u), InlineData(50u, 1u)]
    public void Discrete_Laplace_noise_has_its_distribution(uint numerator, uint denominator)
    {
        var sampler = new DiscreteLaplaceSampler(numerator, denominator);
        var half = (int)(20 * sampler.Scale) + 3;
        var rate = Math.Exp(-1 / sampler.Scale);
        AssertFits(half, x => (1 - rate) / (1 + rate) * Math.Pow(rate, Math.Abs(x)), samples => sampler.Fill(samples, new SeededRandom(numerator)));
    }

    [Theory, InlineData(1.0), InlineData(3.0), InlineData(0.4), InlineData(37.5)]
    public void Discrete_Gaussian_noise_has_its_distribution(double sigma)
    {
        var sampler = DiscreteGaussianSampler.AtLeast(sigma);
        var half = (int)(9 * sigma) + 3;
        var total = Enumerable.Range(-half - 20, (2 * half) + 41).Sum(x => Math.Exp(-(double)x * x / (2 * sampler.Variance)));
        AssertFits(half, x => Math.Exp(-(double)x * x / (2 * sampler.Variance)) / total, samples => sampler.Fill(samples, new SeededRandom((ulong)sigma + 3)));
    }

    // The sum of squares over sigma^2 is chi-squared with n degrees for large sigma; false-alarm rate 4e-8 two-sided.
    [Theory, InlineData(1 << 20), InlineData(1 << 30)]
    public void Wide_discrete_Gaussian_noise_has_its_variance_and_no_favourite_low_bits(double sigma)
    {
        var samples = new long[20_000];
        DiscreteGaussianSampler.AtLeast(sigma).Fill(samples, new SeededRandom(8));
        var statistic = samples.Sum(x => x / sigma * (x / sigma));
        Assert.InRange(ChiSquared.ZScore(statistic, samples.Length), -5.5, 5.5);
        var low = new long[16];
        Array.ForEach(samples, x => low[x & 15]++);
        ChiSquared.AssertFits(low, Enumerable.Repeat(1 / 16.0, 16).ToArray());
    }

    [Fact]
    public void Asked_for_noise_is_never_rounded_down()
    {
        foreach (var sigma in new[] { 1e-3, 0.1, 1 / 3.0, 1, Math.PI, 1e4, 1 << 20, 1e9 })
        {
            var variance = DiscreteGaussianSampler.AtLeast(sigma).Variance;
            Assert.InRange(variance, sigma * sigma, (sigma * sigma * (1 + 1e-8)) + 1e-9);
            Assert.InRange(DiscreteLaplaceSampler.AtLeast(sigma).Scale, sigma, (sigma * (1 + 1e-6)) + 1e-6);
        }
    }

    // The promise in whole numbers; that of the batch sampler is rounded down a few times, so its event costs no less.
    [Fact]
    public void The_variance_is_never_below_the_square_of_sigma() =>
        Gen.Double[-12, 29.9].Sample(
            exponent =>
            {
                var sigma = Math.Pow(2, exponent);
                var (squared, variance) = (Exact(sigma), Exact(DiscreteGaussianSampler.AtLeast(sigma).Variance));
                Assert.True(variance >= (squared * squared) >> 200, $"{sigma}");
                Assert.True(Exact(BatchGaussianSampler.AtLeast(sigma).Variance) >= ((squared * squared) >> 200) * ((System.Numerics.BigInteger.One << 60) - 8192) >> 60);
            },
            iter: 2000);

    [Fact]
    public void One_sample_is_the_first_of_many()
    {
        var many = new long[10];
        for (ulong seed = 0; seed < 20; seed++)
        {
            DiscreteGaussianSampler.AtLeast(5).Fill(many, new SeededRandom(seed));
            Assert.Equal(many[0], DiscreteGaussianSampler.AtLeast(5).Sample(new SeededRandom(seed)));
            new DiscreteLaplaceSampler(9, 2).Fill(many, new SeededRandom(seed));
            Assert.Equal(many[0], new DiscreteLaplaceSampler(9, 2).Sample(new SeededRandom(seed)));
        }

        Assert.Throws<ArgumentNullException>(() => DiscreteGaussianSampler.AtLeast(5).Sample(null!));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DiscreteLaplaceSampler(0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DiscreteLaplaceSampler(1, 0));
    }

    // In units of 2^-200.
    private static System.Numerics.BigInteger Exact(double value) =>
        (System.Numerics.BigInteger)Math.ScaleB(value, 52 - Math.ILogB(value)) << (200 - 52 + Math.ILogB(value));

    [Theory, InlineData(0), InlineData(-1), InlineData(double.NaN), InlineData(double.PositiveInfinity)]
    public void What_is_no_scale_is_refused(double scale)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => DiscreteGaussianSampler.AtLeast(scale));
        Assert.Throws<ArgumentOutOfRangeException>(() => DiscreteLaplaceSampler.AtLeast(scale));
    }

    private static void AssertFits(int half, Func<int, double> probability, Action<long[]> fill)
    {
        var samples = new long[Samples];
        fill(samples);
        var observed = new long[(2 * half) + 1];
        Array.ForEach(samples, x => observed[Math.Clamp(x, -half, half) + half]++);
        ChiSquared.AssertFits(observed, Enumerable.Range(-half, observed.Length).Select(probability).ToArray());
    }
}
