using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>The tilted distribution of a composed loss on a window of its lattice, and what it says about delta and epsilon.</summary>
internal sealed class TiltedWindow
{
    private const double LogTail = 36;
    private const int MostPoints = 1 << 22;
    private const int Run = 64;
    private const double MostRise = 64;
    private readonly double _step;
    private readonly double _first;
    private readonly double[] _mass;
    private readonly double _theta;

    // ln E e^(theta loss), which undoes the normalisation.
    private readonly double _logMoment;

    // Relative error of the transform's power, summed over all masses: by Parseval at most about (count + log2 length) units of rounding.
    private readonly double _noise;

    private TiltedWindow(double step, double first, double[] mass, double theta, double logMoment, double count) =>
        (_step, _first, _mass, _theta, _logMoment, _noise) = (step, first, mass, theta, logMoment, ((16 * count) + 1000) * 2.3e-16);

    /// <summary>The sums of all losses from above and from below, by one Fourier transform per part for both.</summary>
    public static (TiltedWindow Above, TiltedWindow Below) Of((LossGrid Grid, long Count)[] parts, double theta)
    {
        var step = parts[0].Grid.Step;
        var count = parts.Sum(part => (double)part.Count);
        var moments = LossMoments.Of(parts, theta);
        if (double.IsNegativeInfinity(moments.Log))
        {
            TiltedWindow empty = new(step, 0, [0], 0, double.NegativeInfinity, 0);
            return (empty, empty);
        }

        double up = Reach(parts, theta, moments, +1), down = Reach(parts, theta, moments, -1);
        var points = 16;
        while (points < ((up + down) / step) + 4)
        {
            points *= 2;
            if (points > MostPoints)
            {
                throw new ArithmeticException("The composed privacy loss spans too many grid points; use a larger interval.");
            }
        }

        var origin = parts.Sum(part => part.Count * part.Grid.Origin);
        var first = (long)Math.Floor((moments.Mean - down - origin) / step);
        var spectrum = new PairSpectrum(points);
        double logAbove = 0, logBelow = 0;
        foreach (var (grid, times) in parts)
        {
            var (above, below) = spectrum.MultiplyBy(grid, theta * step, times);
            logAbove += times * (above + (theta * grid.Origin));
            logBelow += times * (below + (theta * grid.Origin));
        }

        var (massAbove, massBelow) = spectrum.Sums(first);
        var lowest = origin + (first * step);
        return (new(step, lowest, massAbove, theta, logAbove, count), new(step, lowest, massBelow, theta, logBelow, count));
    }

    /// <summary>delta at an epsilon, from above or from below as this window is.</summary>
    public double DeltaAt(double epsilon, double infinite, bool above)
    {
        var (p, q, lowest) = (0.0, 0.0, epsilon);
        for (var i = _mass.Length - 1; i >= 0; i--)
        {
            var x = _first + (i * _step);
            if (x <= epsilon)
            {
                break;
            }

            lowest = x;
            if (_mass[i] > 0)
            {
                var weight = _mass[i] * Math.Exp(_logMoment - (_theta * x));
                p += weight;
                q += weight * Math.Exp(epsilon - x);
            }
        }

        // The finite masses add up to 1 less the chance of an infinite loss.
        return Math.Clamp(p - q + infinite + ((above ? 1 : -1) * Error(lowest)), 0, 1);
    }

    /// <summary>epsilon at a delta, from above or from below as this window is.</summary>
    public double EpsilonAt(double delta, double infinite, bool above)
    {
        // From the top down, in runs within which powers are multiplied up. Between two lattice points delta(epsilon) = p - e^epsilon q, with all losses above summed up; it falls with epsilon.
        double p = 0, q = 0, back = Math.Exp(_step), sign = above ? 1 : -1;
        var run = (int)Math.Clamp(MostRise / ((1 + _theta) * _step), 1, Run);
        for (var end = _mass.Length; end > 0; end -= run)
        {
            var top = _first + ((end - 1) * _step);
            double weight = Math.Exp(_logMoment - (_theta * top)), growth = Math.Exp(_theta * _step);
            var scale = Math.Exp(-top);
            for (var i = end - 1; i >= Math.Max(0, end - run); i--)
            {
                var mass = Math.Max(0, _mass[i]) * weight;
                p += mass;
                q += mass * scale;
                scale *= back;

                // "scale" is e^-(x - step) here.
                var target = delta - infinite - (sign * _noise * weight);
                if (p - (q / scale) > target)
                {
                    var x = _first + (i * _step);
                    var epsilon = p > target ? Math.Log((p - target) / q) : double.NegativeInfinity;
                    return Math.Max(0, Math.Clamp(epsilon, x - _step, x));
                }

                weight *= growth;
            }
        }

        return Math.Max(0, above ? _first : 0);
    }

    // How far beyond its mean the tilted sum has less than e^-36 left, by the best of a few Chernoff bounds.
    private static double Reach((LossGrid Grid, long Count)[] parts, double theta, LossMoments at, int sign)
    {
        // The sum cannot leave its own support.
        var step = parts[0].Grid.Step;
        var support = parts.Sum(part => part.Count * (sign > 0 ? part.Grid.Origin + ((part.Grid.Upper.Length - 1) * step) : -part.Grid.Origin)) - (sign * at.Mean);
        var best = support;
        for (var s = 0.02; s <= 3; s *= 1.4)
        {
            var shift = s * Math.Sqrt(2 * LogTail / Math.Max(at.Variance, step * step));
            if (theta + (sign * shift) is var moved && Math.Abs(moved) * parts.Max(part => part.Grid.Upper.Length) * step < 650)
            {
                best = Math.Min(best, ((LossMoments.Of(parts, moved).Log - at.Log + LogTail) / shift) - (sign * at.Mean));
            }
        }

        return Math.Max(best, 0);
    }

    // The errors of all masses from a loss on, as each is untilted by at most that one's weight.
    private double Error(double loss) => double.IsNegativeInfinity(_logMoment) ? 0 : _noise * Math.Exp(_logMoment - (_theta * loss));
}
