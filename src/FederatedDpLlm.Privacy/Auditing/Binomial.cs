using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Auditing;

/// <summary>Exact binomial tails and the confidence bounds of Clopper and Pearson (Biometrika 26, 1934).</summary>
public static class Binomial
{
    /// <summary>P(X = k) of n trials of probability p.</summary>
    public static double Probability(long k, long n, double p) =>
        k < 0 || k > n ? 0
        : p <= 0 ? (k == 0 ? 1 : 0)
        : p >= 1 ? (k == n ? 1 : 0)
        : Math.Exp(Factorials.LogBinomial(n, k) + (k * Math.Log(p)) + ((n - k) * Elementary.LogOnePlus(-p)));

    /// <summary>P(X >= k).</summary>
    public static double AtLeast(long k, long n, double p) => k <= n * p ? 1 - Sum(k - 1, -1, 0, n, p) : Sum(k, +1, n, n, p);

    /// <summary>P(X &lt;= k).</summary>
    public static double AtMost(long k, long n, double p) => k >= n * p ? 1 - Sum(k + 1, +1, n, n, p) : Sum(k, -1, 0, n, p);

    /// <summary>The largest success probability that <paramref name="successes"/> do not refute at this one-sided significance.</summary>
    public static double UpperBound(long successes, long trials, double significance) =>
        Check(successes, trials, significance) && successes == trials ? 1 : Bisect(p => AtMost(successes, trials, p) > significance).High;

    /// <summary>The smallest success probability that <paramref name="successes"/> do not refute at this one-sided significance.</summary>
    public static double LowerBound(long successes, long trials, double significance) =>
        Check(successes, trials, significance) && successes == 0 ? 0 : Bisect(p => AtLeast(successes, trials, p) <= significance).Low;

    private static bool Check(long successes, long trials, double significance)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(trials, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(successes, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(successes, trials);
        return significance is > 0 and < 1 ? true : throw new ArgumentOutOfRangeException(nameof(significance), significance, "A significance lies between 0 and 1.");
    }

    // From the edge of the tail outwards, where terms only fall: stops when they no longer count.
    private static double Sum(long from, int direction, long end, long n, double p)
    {
        var sum = 0.0;
        for (var k = from; direction > 0 ? k <= end : k >= end; k += direction)
        {
            var term = Probability(k, n, p);
            sum += term;
            if (term < sum * 1e-18)
            {
                break;
            }
        }

        return Math.Min(1, sum);
    }

    private static (double Low, double High) Bisect(Func<double, bool> below)
    {
        double low = 0, high = 1;
        for (var i = 0; i < 100 && high - low > 1e-16 * high; i++)
        {
            var middle = (low + high) / 2;
            (low, high) = below(middle) ? (middle, high) : (low, middle);
        }

        return (low, high);
    }
}
