namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>Where a falling function crosses 0, always from the safe side.</summary>
internal static class Crossing
{
    /// <summary>
    /// An x in [low, high] with f(x) at most 0 and as close to the crossing as doubles allow (relative 2e-15), by halving. <paramref name="falling"/> is at most 0 at high; where it is so at low, that is
    /// the answer.
    /// </summary>
    public static double Falling(Func<double, double> falling, double low, double high)
    {
        if (falling(low) <= 0)
        {
            return low;
        }

        while (high - low > 1e-15 * Math.Abs(high) && (low + high) / 2 is var middle && middle > low && middle < high)
        {
            (low, high) = falling(middle) > 0 ? (middle, high) : (low, middle);
        }

        return high;
    }
}
