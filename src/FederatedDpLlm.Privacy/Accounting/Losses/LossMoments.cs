using System.Runtime.Intrinsics;

namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>Of the sum of all losses: ln E e^(theta x), and mean and variance of the distribution tilted by theta.</summary>
internal readonly record struct LossMoments(double Log, double Mean, double Variance)
{
    // The weights are multiplied up and set afresh this often, so their error stays below 1e-14.
    private const int Run = 64;

    public static LossMoments Of((LossGrid Grid, long Count)[] parts, double theta, bool above = true)
    {
        double log = 0, mean = 0, variance = 0;
        foreach (var (grid, count) in parts)
        {
            var (sum, first, second) = Sums(above ? grid.Upper : grid.Lower, theta * grid.Step);
            if (sum == 0)
            {
                return new(double.NegativeInfinity, 0, 0);
            }

            var center = first / sum;
            log += count * (Math.Log(sum) + (theta * grid.Origin));
            mean += count * (grid.Origin + (grid.Step * center));
            variance += count * grid.Step * grid.Step * Math.Max(0, (second / sum) - (center * center));
        }

        return new(log, mean, variance);
    }

    /// <summary>Writes the tilted masses, scaled to a sum of 1, round a circle.</summary>
    /// <returns>The logarithm of what was divided out: ln E e^(theta (x - origin)).</returns>
    public static double Tilt(ReadOnlySpan<double> mass, double exponent, Span<double> circle)
    {
        double sum = 0, ratio = Math.Exp(exponent), weight = 1;
        for (var i = 0; i < mass.Length; i++)
        {
            weight = i % Run == 0 ? Math.Exp(exponent * i) : weight * ratio;
            var tilted = mass[i] * weight;
            circle[i & (circle.Length - 1)] += tilted;
            sum += tilted;
        }

        if (sum == 0)
        {
            return double.NegativeInfinity;
        }

        var scale = 1 / sum;
        for (var i = 0; i < Math.Min(mass.Length, circle.Length); i++)
        {
            circle[i] *= scale;
        }

        return Math.Log(sum);
    }

    private static (double Sum, double First, double Second) Sums(double[] mass, double exponent)
    {
        double sum = 0, first = 0, second = 0;
        var ratios = Vector256.Create(1, Math.Exp(exponent), Math.Exp(2 * exponent), Math.Exp(3 * exponent));
        var ratio = Vector256.Create(Math.Exp(4 * exponent));
        for (var start = 0; start < mass.Length; start += Run)
        {
            // Within a run from its first index, so the squares stay small.
            var run = mass.AsSpan(start, Math.Min(Run, mass.Length - start));
            Vector256<double> weight = ratios * Math.Exp(exponent * start), index = Vector256.Create(0.0, 1, 2, 3), s = default, f = default, ss = default;
            var i = 0;
            for (; i <= run.Length - 4; i += 4)
            {
                var tilted = Vector256.Create<double>(run[i..]) * weight;
                var moment = tilted * index;
                s += tilted;
                f += moment;
                ss += moment * index;
                index += Vector256.Create(4.0);
                weight *= ratio;
            }

            double runSum = Vector256.Sum(s), runFirst = Vector256.Sum(f), runSecond = Vector256.Sum(ss);
            for (; i < run.Length; i++)
            {
                var tilted = run[i] * Math.Exp(exponent * (start + i));
                runSum += tilted;
                runFirst += tilted * i;
                runSecond += tilted * i * i;
            }

            sum += runSum;
            first += runFirst + (runSum * start);
            second += runSecond + (start * ((2 * runFirst) + (runSum * start)));
        }

        return (sum, first, second);
    }
}
