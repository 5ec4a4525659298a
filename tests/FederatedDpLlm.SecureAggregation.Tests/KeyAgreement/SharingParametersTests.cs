using System.Numerics;
using FederatedDpLlm.SecureAggregation.KeyAgreement;

namespace FederatedDpLlm.SecureAggregation.Tests.KeyAgreement;

/// <summary>The search for degree and threshold beside the criteria of Bell et al. in exact rational arithmetic.</summary>
public sealed class SharingParametersTests
{
    private static readonly BigInteger[] Factorials = [.. Enumerable.Range(0, 200).Select(n => Enumerable.Range(1, n).Aggregate(BigInteger.One, (product, i) => product * i))];

    [Theory, InlineData(5, 5), InlineData(10, 10), InlineData(20, 10), InlineData(33, 10), InlineData(0, 20), InlineData(15, 0), InlineData(0, 0), InlineData(40, 25)]
    public void Degree_and_threshold_are_what_exact_arithmetic_gives_for_every_size(int corruptPercent, int dropoutPercent)
    {
        for (var clients = 65; clients < 130; clients += 3)
        {
            Assert.Equal(Exact(clients, corruptPercent * clients / 100, dropoutPercent * clients / 100), SharingParameters.FindHarary(clients, corruptPercent / 100.0, dropoutPercent / 100.0));
        }
    }

    [Fact]
    public void The_smallest_degree_is_found_where_another_pair_of_breaks_would_decide()
    {
        // n (n - k - 1) / 2 pairs of places: with 3 % more of them degree 14 would be too small.
        Assert.Equal(new SharingParameters(14, 14, IsComplete: false), Exact(129, 16, 0));
        Assert.Equal(Exact(129, 16, 0), SharingParameters.FindHarary(129, 0.13, 0));
    }

    [Fact]
    public void Fractions_that_are_none_or_too_many_are_refused()
    {
        foreach (var (corrupt, dropped) in new[] { (-0.01, 0.1), (0.1, -0.01), (0.1, 0.41), (0.71, 0.1), (double.NaN, 0.1), (0.1, double.NaN) })
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => SharingParameters.FindHarary(100, corrupt, dropped));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => SharingParameters.For(0, 0.1, 0.1));
        Assert.True(SharingParameters.For(64, 0.1, 0.1).IsComplete);
        Assert.False(SharingParameters.For(65, 0.1, 0.1).IsComplete);
        Assert.Equal(new SharingParameters(0, 1, IsComplete: true), SharingParameters.For(1, 0, 0));
    }

    private static SharingParameters? Exact(int n, int corrupt, int dropped)
    {
        for (var k = 2; k < n - 1; k += 2)
        {
            if (IsConnected(n, k, corrupt + dropped) && Threshold(n, k, corrupt, n - dropped) is { } threshold)
            {
                return new SharingParameters(k, threshold, IsComplete: false);
            }
        }

        return null;
    }

    // n (n - k - 1) / 2 pairs of breaks, each k bad clients in a draw of k, below 2^-41.
    private static bool IsConnected(int n, int k, int bad) =>
        k > bad || (n * (n - k - 1) * Choose(bad, k) << 41) < 2 * Choose(n, k);

    private static int? Threshold(int n, int k, int corrupt, int surviving)
    {
        // P(X >= m) > 2^-41 / n, the largest such m; P(Y <= s) >= 2^-20 / n, the smallest such s.
        var all = Choose(n, k);
        var most = Enumerable.Range(0, k + 1).Last(m => Enumerable.Range(m, k + 1 - m).Aggregate(BigInteger.Zero, (sum, hits) => sum + Ways(n, corrupt, k, hits)) * n << 41 > all);
        var fewest = Enumerable.Range(0, k + 1).First(s => s == k || Enumerable.Range(0, s + 1).Aggregate(BigInteger.Zero, (sum, hits) => sum + Ways(n, surviving, k, hits)) * n << 20 >= all);

        // The smallest t with 2 t > k + most, by the published rounding, and t - 1 below what survives.
        var least = (int)Math.Ceiling((most + k - 1.25) / 2);
        return fewest > least ? Math.Max(least + 1, 2) : null;
    }

    private static BigInteger Ways(int population, int marked, int drawn, int hits) => Choose(marked, hits) * Choose(population - marked, drawn - hits);

    private static BigInteger Choose(int n, int k) => k < 0 || k > n ? BigInteger.Zero : Factorials[n] / Factorials[k] / Factorials[n - k];
}
