using System.Runtime.Intrinsics.X86;
using CsCheck;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Sampling;

public sealed class BatchGaussianSamplerTests
{
    // Every table that any sigma uses is the fine one or a top one of sigma at most 10.25.
    [Theory, InlineData(1e-3), InlineData(0.1), InlineData(0.3), InlineData(1.0), InlineData(3.2), InlineData(7.77), InlineData(10.25)]
    public void A_table_is_as_close_to_the_discrete_Gaussian_as_it_says(double sigma)
    {
        var table = new GaussianTable((long)Math.Ceiling(Math.ScaleB(sigma * sigma, GaussianTable.VarianceBits)));
        var distance = ReferenceGaussian.Distance(ReferenceGaussian.Masses(table.Variance, table.Largest), ReferenceGaussian.Masses(table));
        Assert.InRange(distance, 0, table.Distance);
        Assert.True(table.Distance < Math.ScaleB(1, -85));
    }

    // The whole distribution of the sum of parts, computed: one, two and three levels, at both ends of what a multiplier serves.
    [Theory, InlineData(10.26, 1), InlineData(13.7, 1), InlineData(22.6, 1), InlineData(52.2, 1), InlineData(61.9, 1), InlineData(63, 2), InlineData(220.0, 2)]
    public void A_sum_of_parts_is_as_close_to_the_discrete_Gaussian_as_it_says(double sigma, int levels)
    {
        var sampler = BatchGaussianSampler.AtLeast(sigma);
        Assert.Equal(levels, sampler.Multipliers.Length);
        var masses = ReferenceGaussian.Masses(sampler.TopTable);
        for (var level = levels - 1; level >= 0; level--)
        {
            masses = ReferenceGaussian.Convolve(ReferenceGaussian.Masses(BatchGaussianSampler.FineTable), sampler.Multipliers[level], masses);
        }

        Assert.Equal(sampler.LargestMagnitude, masses.Length - 1);
        var distance = ReferenceGaussian.Distance(ReferenceGaussian.Masses(sampler.Variance, masses.Length - 1), masses);
        Assert.InRange(distance, 0, sampler.Distance);
        Assert.True(sampler.Distance <= BatchGaussianSampler.LargestDistance);
    }

    [Fact]
    public void Every_sigma_gets_at_least_its_noise_within_two_to_the_minus_sixty() =>
        Gen.Double[-10, 40].Sample(
            exponent =>
            {
                var sigma = Math.Pow(2, exponent);
                var sampler = BatchGaussianSampler.AtLeast(sigma);
                Assert.True(sampler.Distance <= BatchGaussianSampler.LargestDistance);
                Assert.InRange(sampler.Variance, sigma * sigma * (1 - 1e-14), (sigma * sigma * (1 + 1e-11)) + Math.ScaleB(1, 1 - GaussianTable.VarianceBits));
                Assert.InRange(sampler.LargestMagnitude, 0, Math.Max(40, 20 * sigma));
            },
            iter: 300);

    // Chi-squared at a false-alarm rate of 2e-8 a row; seeded. Tails beyond 4.5 sigma are cells of their own.
    [Theory, InlineData(0.4), InlineData(1.0), InlineData(3.2), InlineData(10.0), InlineData(11.0), InlineData(50.0), InlineData(100.0)]
    public void Noise_has_its_distribution(double sigma)
    {
        var sampler = BatchGaussianSampler.AtLeast(sigma);
        var samples = new int[2_000_000];
        sampler.Fill(samples, new SeededRandom((ulong)(10 * sigma)));
        var half = (int)(7 * sigma) + 2;
        var observed = new long[(2 * half) + 1];
        Array.ForEach(samples, x => observed[Math.Clamp(x, -half, half) + half]++);
        var mass = DiscreteGaussianMass.Of(sampler.Sigma);
        ChiSquared.AssertFits(observed, Enumerable.Range(-half, observed.Length).Select(x => mass(x)).ToArray());
    }

    // Variance (chi-squared), mean, fourth moment and both tails beyond 4 sigma (Poisson), each at 5.5 standard deviations: 2e-7 a row in all.
    [Theory, InlineData(1000.0), InlineData(65536.0), InlineData(1048576.0), InlineData(1073741824.0), InlineData(1099511627776.0)]
    public void Wide_noise_has_its_moments_its_tails_and_no_favourite_low_bits(double sigma)
    {
        const int Count = 1_000_000;
        var samples = new long[Count];
        BatchGaussianSampler.AtLeast(sigma).Fill(samples, new SeededRandom(8));
        var scaled = samples.Select(x => x / sigma).ToArray();
        Assert.InRange(ChiSquared.ZScore(scaled.Sum(x => x * x), Count), -5.5, 5.5);
        Assert.InRange(scaled.Sum() / Math.Sqrt(Count), -5.5, 5.5);
        Assert.InRange((scaled.Sum(x => x * x * x * x) - (3.0 * Count)) / Math.Sqrt(96.0 * Count), -5.5, 5.5);

        // P(|X| > 4 sigma) = 6.3342e-5.
        foreach (var tail in new[] { scaled.Count(x => x > 4), scaled.Count(x => x < -4) })
        {
            Assert.InRange((tail - 31.67) / Math.Sqrt(31.67), -5.5, 6.5);
        }

        foreach (var modulus in new[] { 2, 3, 5, 6, 16 })
        {
            var low = new long[modulus];
            Array.ForEach(samples, x => low[((x % modulus) + modulus) % modulus]++);
            ChiSquared.AssertFits(low, Enumerable.Repeat(1.0 / modulus, modulus).ToArray());
        }
    }

    // Neighbours in the stream, and places a block apart, do not follow each other: correlation at 5.5 standard deviations.
    [Theory, InlineData(1), InlineData(7), InlineData(8), InlineData(8192)]
    public void Samples_are_independent_of_those_before(int lag)
    {
        var samples = new int[500_000];
        BatchGaussianSampler.AtLeast(100).Fill(samples, new SeededRandom(21));
        var products = samples.Skip(lag).Zip(samples, (x, before) => (double)x * before).Sum() / 10_000;
        Assert.InRange(products / Math.Sqrt(samples.Length - lag), -5.5, 5.5);
    }

    [Fact]
    public void With_and_without_wide_instructions_the_noise_is_the_same()
    {
        Assert.SkipUnless(Avx2.IsSupported, "needs a processor with AVX2: there is only one path here");
        foreach (var sigma in new[] { 0.05, 1, 10.25, 11, 300, 1 << 20 })
        {
            int[] wide = new int[10_007], portable = new int[10_007];
            var sampler = BatchGaussianSampler.AtLeast(sigma);
            sampler.Fill(wide, new SeededRandom(4));
            sampler.Fill(portable, new SeededRandom(4), portable: true);
            Assert.Equal(portable, wide);
        }
    }

    // Words at, just below and just above each threshold, with continuations on both sides of it: the rule is "magnitude = thresholds at most the number drawn".
    [Theory, InlineData(false), InlineData(true)]
    public void A_word_that_cannot_decide_is_continued(bool portable)
    {
        Assert.SkipUnless(Avx2.IsSupported || portable, "needs a processor with AVX2");
        var table = BatchGaussianSampler.FineTable;
        foreach (var extra in new[] { 0UL, 1UL << 63, ulong.MaxValue })
        {
            var heads = table.Thresholds.ToArray().Select(threshold => (uint)(threshold >> 64)).SelectMany(head => new[] { head - 1, head, Math.Min(head + 1, int.MaxValue) }).ToArray();
            var words = heads.SelectMany(head => new[] { head << 1, (head << 1) | 1 }).ToArray();
            var values = new int[words.Length];
            var counted = new CountedWord(extra);
            table.Accumulate(words, values, 0, counted, portable);
            var expected = words.Select(word => table.Thresholds.ToArray().Count(threshold => new UInt128(word >> 1, extra) >= threshold) * ((word & 1) == 0 ? 1 : -1)).ToArray();
            Assert.Equal(expected, values);
            Assert.InRange(counted.Draws, 2 * 63, words.Length);
        }
    }

    // Parties that must agree on noise do so on every machine: the first samples of the all-zero key, also computed in 80-digit decimals from OpenSSL's keystream.
    [Fact]
    public void A_key_gives_the_same_noise_everywhere()
    {
        var samples = new int[6];
        using var random = new AesCounterRandom(new byte[32]);
        BatchGaussianSampler.AtLeast(1000).Fill(samples, random);
        Assert.Equal([642, 429, -573, 556, -1916, -1198], samples);
    }

    [Fact]
    public void Short_and_long_fills_give_numbers_of_either_width()
    {
        var sampler = BatchGaussianSampler.AtLeast(1 << 20);
        int[] narrow = new int[20_000];
        var wide = new long[20_000];
        sampler.Fill(narrow, new SeededRandom(6));
        sampler.Fill(wide, new SeededRandom(6));
        Assert.Equal(narrow.Select(x => (long)x), wide);
        sampler.Fill(Span<int>.Empty, new SeededRandom(6));
        Assert.Throws<InvalidOperationException>(() => BatchGaussianSampler.AtLeast(1 << 30).Fill(narrow, new SeededRandom(6)));
        Assert.Throws<ArgumentNullException>(() => sampler.Fill(narrow, null!));
        Assert.Throws<ArgumentNullException>(() => sampler.Fill(wide, null!));
    }

    [Fact]
    public void The_distance_is_paid_for_in_delta()
    {
        var sampler = BatchGaussianSampler.AtLeast(1000);
        Assert.Equal((1 + Math.E) * 1e8 * sampler.Distance, sampler.DeltaOf(100_000_000, new(1)).Value, 1e-6 * sampler.Distance * 1e8);
        Assert.Throws<ArgumentOutOfRangeException>(() => sampler.DeltaOf(long.MaxValue, new(20)));
    }

    [Theory, InlineData(0), InlineData(-1), InlineData(double.NaN), InlineData(double.PositiveInfinity), InlineData(1.1e12)]
    public void What_is_no_sigma_is_refused(double sigma) => Assert.Throws<ArgumentOutOfRangeException>(() => BatchGaussianSampler.AtLeast(sigma));

    private sealed class CountedWord(ulong word) : ISecureRandom
    {
        public int Draws { get; private set; }

        public void Fill(Span<byte> destination)
        {
            Draws++;
            System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(destination, word);
        }
    }
}
