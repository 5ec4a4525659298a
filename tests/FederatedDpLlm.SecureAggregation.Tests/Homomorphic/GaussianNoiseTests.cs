using System.Numerics;
using FederatedDpLlm.SecureAggregation.Homomorphic;

namespace FederatedDpLlm.SecureAggregation.Tests.Homomorphic;

public sealed class GaussianNoiseTests
{
    private const double Variance = (double)GaussianNoise.VarianceNumerator / GaussianNoise.VarianceDenominator;

    [Fact]
    public void The_table_is_within_one_unit_of_the_exact_distribution()
    {
        // An independent way to the weights: each exponential from its own series, to 400 bits, over a far longer tail.
        const int Bits = 400;
        var weights = Enumerable.Range(0, 200).Select(k => (k == 0 ? 1 : 2) * Exp(k, Bits)).ToArray();
        var total = weights.Aggregate(BigInteger.Zero, (sum, weight) => sum + weight);
        var running = BigInteger.Zero;
        for (var k = 0; k < GaussianNoise.Largest; k++)
        {
            running += weights[k];
            var exact = (running << 127) / total;
            Assert.InRange((BigInteger)GaussianNoise.CumulativeTable[k] - exact, -1, 1);
        }

        // What the cut leaves out, doubled for both signs already: below 2^-140.
        Assert.True((total - running - weights[GaussianNoise.Largest]) << 140 < total);
    }

    // 63 + 63 cells pooled to at least 20 expected: chi-square with about 36 degrees of freedom is above 120 with probability below 1e-10; the moments' bounds
    // are six standard errors (2e-9 each).
    [Fact]
    public void Samples_have_the_distribution_and_its_moments()
    {
        const int Count = 1 << 20;
        var noise = new long[Count];
        using var stream = new KeystreamWords([.. Enumerable.Range(0, 16).Select(i => (byte)(i * 7))]);
        GaussianNoise.Fill(noise, stream, region: 3);
        var mean = noise.Average();
        var square = noise.Average(e => (double)(e * e));
        Assert.InRange(mean, -6 * Math.Sqrt(Variance / Count), 6 * Math.Sqrt(Variance / Count));
        Assert.InRange(square / Variance, 1 - (6 * Math.Sqrt(2.0 / Count)), 1 + (6 * Math.Sqrt(2.0 / Count)));
        var fourth = noise.Average(e => Math.Pow(e, 4)) / (3 * Variance * Variance);
        Assert.InRange(fourth, 1 - (6 * Math.Sqrt(96.0 / 9 / Count)), 1 + (6 * Math.Sqrt(96.0 / 9 / Count)));
        var whole = Enumerable.Range(-63, 127).Sum(k => Math.Exp(-k * k / (2 * Variance)));
        var cells = noise.GroupBy(e => e).ToDictionary(group => group.Key, group => group.Count());
        var chiSquare = 0.0;
        for (var k = -63; k <= 63; k++)
        {
            var expected = Count * Math.Exp(-k * k / (2 * Variance)) / whole;
            var seen = cells.GetValueOrDefault(k);
            chiSquare += expected >= 20 ? (seen - expected) * (seen - expected) / expected : 0;
        }

        Assert.InRange(chiSquare, 5, 120);
        Assert.All(noise, e => Assert.InRange(e, -GaussianNoise.Largest, GaussianNoise.Largest));

        // The sum of n errors, as the worst case of decryption bounds it, stays where six sigma says.
        var neighbours = noise.Zip(noise.Skip(1), (a, b) => (double)(a * b)).Average();
        Assert.InRange(neighbours, -6 * Variance / Math.Sqrt(Count), 6 * Variance / Math.Sqrt(Count));
    }

    [Fact]
    public void A_first_word_that_leaves_the_sample_open_is_decided_by_the_second()
    {
        using var stream = new KeystreamWords(new byte[16]);
        var upper = GaussianNoise.CumulativeTable.ToArray().Select(entry => (ulong)(entry >> 64)).ToArray();

        // Words that equal an entry's upper half, or lie one beside it, under both signs.
        ulong[] words = [.. upper.SelectMany(entry => new[] { entry << 1, (entry << 1) | 1, (entry - 1) << 1, (Math.Min(entry + 1, (1UL << 63) - 1) << 1) | 1 }), 0, 1, ulong.MaxValue, ulong.MaxValue - 1];
        Assert.Equal(0, words.Length % 32);
        var noise = new long[words.Length];
        GaussianNoise.Decide(words, noise, stream, region: 2, firstIndex: 32);
        for (var i = 0; i < words.Length; i++)
        {
            var uniform = ((UInt128)(words[i] >> 1) << 64) | stream.DrawAgain(2, 32 + i);
            Assert.Equal(GaussianNoise.Sample(uniform, (words[i] & 1) == 1), noise[i]);
        }
    }

    [Fact]
    public void The_sampler_is_the_obvious_search_in_the_table()
    {
        using var stream = new KeystreamWords([.. Enumerable.Range(0, 16).Select(i => (byte)i)]);
        var (words, noise) = (new ulong[4096], new long[4096]);
        stream.Fill(words, region: 7);
        GaussianNoise.Fill(noise, stream, region: 7);
        Assert.Equal(words.Select(word => GaussianNoise.Sample((UInt128)(word >> 1) << 64, (word & 1) == 1)), noise);
    }

    private static BigInteger Exp(int k, int bits)
    {
        var one = BigInteger.One << bits;
        BigInteger sum = one, term = one;
        for (var i = 1; !term.IsZero; i++)
        {
            term = term * (GaussianNoise.VarianceDenominator * k * k) / (2 * GaussianNoise.VarianceNumerator) / i;
            sum += term;
        }

        return (one << bits) / sum;
    }
}
