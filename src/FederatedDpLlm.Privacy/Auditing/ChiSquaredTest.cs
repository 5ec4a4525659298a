namespace FederatedDpLlm.Privacy.Auditing;

/// <summary>Pearson's test that whole numbers come from a stated distribution: how likely samples at least so uneven would be if they did.</summary>
/// <remarks>Cells are pooled, from the left, until 20 samples are expected in each; so the tails are cells of their own, and what falls outside of them counts too.</remarks>
public static class ChiSquaredTest
{
    private const double LeastExpected = 20;

    /// <summary>The p-value: small refutes the distribution. Uniform between 0 and 1 where the samples have it.</summary>
    /// <param name="samples">Independent draws; enough for two cells.</param>
    /// <param name="probability">Of each whole number.</param>
    /// <param name="smallest">With <paramref name="largest"/>, an interval outside of which next to nothing is expected.</param>
    /// <param name="largest">At least <paramref name="smallest"/>.</param>
    public static double PValue(ReadOnlySpan<long> samples, Func<long, double> probability, long smallest, long largest)
    {
        ArgumentNullException.ThrowIfNull(probability);
        ArgumentOutOfRangeException.ThrowIfLessThan(largest, smallest);
        var observed = new long[checked(largest - smallest + 1)];
        var outside = 0L;
        foreach (var sample in samples)
        {
            if (sample < smallest || sample > largest)
            {
                outside++;
            }
            else
            {
                observed[sample - smallest]++;
            }
        }

        return PValue(observed, i => probability(smallest + i), samples.Length, outside);
    }

    /// <summary>P(X >= statistic) of a chi-squared variable: the regularised upper incomplete gamma function Q(degrees/2, statistic/2), to a relative 1e-9.</summary>
    /// <param name="statistic">At least 0.</param>
    /// <param name="degrees">Of freedom, at least 1.</param>
    public static double Above(double statistic, int degrees)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(statistic);
        ArgumentOutOfRangeException.ThrowIfLessThan(degrees, 1);
        double a = degrees / 2.0, x = statistic / 2;
        if (x == 0)
        {
            return 1;
        }

        var scale = Math.Exp((a * Math.Log(x)) - x - LogGammaOfHalf(degrees));
        return x < a + 1 ? Math.Max(0, 1 - (scale * LowerSeries(a, x))) : scale * UpperFraction(a, x);
    }

    private static double PValue(long[] observed, Func<long, double> probability, long total, long outside)
    {
        double statistic = 0, expected = 0, seen = outside, lastExpected = 0, lastSeen = 0;
        var cells = 0;
        for (var i = 0L; i < observed.Length; i++)
        {
            expected += probability(i) * total;
            seen += observed[i];
            if (expected >= LeastExpected)
            {
                statistic += (seen - expected) * (seen - expected) / expected;
                (lastExpected, lastSeen) = (expected, seen);
                cells++;
                expected = seen = 0;
            }
        }

        if (cells < 2)
        {
            throw new ArgumentException("Two cells of 20 expected samples are needed: draw more.", nameof(observed));
        }

        // What is left on the right joins the last cell.
        statistic -= (lastSeen - lastExpected) * (lastSeen - lastExpected) / lastExpected;
        (lastExpected, lastSeen) = (lastExpected + expected, lastSeen + seen);
        statistic += (lastSeen - lastExpected) * (lastSeen - lastExpected) / lastExpected;
        return Above(Math.Max(0, statistic), cells - 1);
    }

    // ln Gamma(n/2), from Gamma(1/2) = sqrt(pi) or Gamma(1) = 1 upwards.
    private static double LogGammaOfHalf(int n)
    {
        var sum = n % 2 == 1 ? Math.Log(Math.PI) / 2 : 0;
        for (var k = n % 2 == 1 ? 0.5 : 1; k < n / 2.0; k++)
        {
            sum += Math.Log(k);
        }

        return sum;
    }

    // Abramowitz, Stegun, 6.5.29: sum of x^k / (a (a+1) ... (a+k)).
    private static double LowerSeries(double a, double x)
    {
        double term = 1 / a, sum = term;
        for (var k = 1; term > sum * 1e-16; k++)
        {
            term *= x / (a + k);
            sum += term;
        }

        return sum;
    }

    // Abramowitz, Stegun, 6.5.31, by Lentz's method.
    private static double UpperFraction(double a, double x)
    {
        double b = x + 1 - a, c = 1e300, d = 1 / b, result = d;
        for (var i = 1; i < 100_000; i++)
        {
            var term = -i * (i - a);
            b += 2;
            d = 1 / ((term * d) + b);
            c = b + (term / c);
            result *= d * c;
            if (Math.Abs((d * c) - 1) < 1e-14)
            {
                break;
            }
        }

        return result;
    }
}
