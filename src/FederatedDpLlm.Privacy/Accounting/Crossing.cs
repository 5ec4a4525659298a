namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>Where a falling function crosses 0, always from the safe side.</summary>
internal static class Crossing
{
    /// <summary>
    /// An x in [low, high] with f(x) at most 0 and as close to the crossing as doubles allow (relative 2e-15). <paramref name="falling"/> is above 0 at low and at most 0 at
    /// high. The ITP idea in its simplest form: regula falsi with the Illinois weight, and bisection whenever that is slow.
    /// </summary>
    public static double Falling(Func<double, double> falling, double low, double high)
    {
        double atLow = falling(low), atHigh = falling(high);
        if (atLow <= 0)
        {
            return low;
        }

        for (var i = 0; i < 200 && high - low > 1e-15 * Math.Abs(high); i++)
        {
            var middle = (low + high) / 2;
            var guess = i % 3 == 2 || !double.IsFinite(atLow) || atHigh >= 0 ? middle : low + ((high - low) * (atLow / (atLow - atHigh)));
            var x = guess > low && guess < high ? guess : middle;
            if (x <= low || x >= high)
            {
                break;
            }

            var at = falling(x);
            if (at > 0)
            {
                (low, atLow, atHigh) = (x, at, atHigh / 2);
            }
            else
            {
                (high, atHigh, atLow) = (x, at, atLow / 2);
            }
        }

        return high;
    }
}
