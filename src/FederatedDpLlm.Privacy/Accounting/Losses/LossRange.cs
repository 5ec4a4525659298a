namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>Where the tilted sum of all losses lies, both that from above and that from below, but for a mass of <see cref="Outside"/> beyond each end.</summary>
/// <remarks>Chernoff: the tilted mass beyond x is at most e^(K(theta + s) - K(theta) - s x) for every s above 0. The best s is found by walking down that quasi-convex function.</remarks>
internal sealed record LossRange(double Theta, double Lowest, double Highest)
{
    private const double LogOutside = 36;
    private const double Pace = 1.5;
    private const int MostPaces = 40;

    // What doubles can tilt.
    private const double LargestExponent = 650;

    public static double Outside { get; } = Math.Exp(-LogOutside);

    /// <summary>Null where no loss is finite.</summary>
    /// <exception cref="ArithmeticException">Doubles cannot tell the range.</exception>
    public static LossRange? Of((LossGrid Grid, long Count)[] parts, double theta)
    {
        double lowest = double.PositiveInfinity, highest = double.NegativeInfinity;
        var isFinite = false;
        foreach (var above in new[] { true, false })
        {
            var center = LossMoments.Of(parts, theta, above);
            if (!double.IsNegativeInfinity(center.Log))
            {
                isFinite = true;
                lowest = Math.Min(lowest, -Reach(parts, theta, center, above, -1));
                highest = Math.Max(highest, Reach(parts, theta, center, above, +1));
            }
        }

        if (!isFinite)
        {
            return null;
        }

        // Sums of so many losses that their moments have lost every digit.
        return lowest <= highest ? new(theta, lowest, highest) : throw new ArithmeticException("The composed privacy loss is beyond what doubles tell apart.");
    }

    private static double Reach((LossGrid Grid, long Count)[] parts, double theta, LossMoments center, bool above, int sign)
    {
        // The sum cannot leave its own support.
        var step = parts[0].Grid.Step;
        var support = parts.Sum(part => part.Count * (sign > 0 ? part.Grid.Origin + ((part.Grid.Upper.Length - 1) * step) : -part.Grid.Origin));
        var widest = parts.Max(part => part.Grid.Upper.Length) * step;
        double Bound(double shift) => Math.Abs(theta + (sign * shift)) * widest >= LargestExponent
            ? double.PositiveInfinity
            : (LossMoments.Of(parts, theta + (sign * shift), above).Log - center.Log + LogOutside) / shift;
        var start = Math.Min(Math.Sqrt(2 * LogOutside / Math.Max(center.Variance, step * step)), 0.9 * LargestExponent / widest);
        var best = Bound(start);
        var pace = Bound(start * Pace) is var wider && wider < best ? Pace : 1 / Pace;
        for (var i = 1; i <= MostPaces && Bound(start * Math.Pow(pace, i)) is var bound && (bound < best || double.IsInfinity(best)); i++)
        {
            best = bound;
        }

        return Math.Min(best, support);
    }
}
