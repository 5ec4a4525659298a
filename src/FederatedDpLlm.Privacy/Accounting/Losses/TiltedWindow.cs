namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>The tilted distribution of a composed loss on a window of its lattice, and what it says about delta and epsilon.</summary>
/// <remarks>
/// delta(epsilon) is the sum over x above epsilon of (1 - e^(epsilon - x)) e^(K - theta x) m(x), m being the tilted masses and K the logarithm of what normalised them. An error of the masses in the
/// Euclidean norm moves it by at most that error times e^(K - theta epsilon) times the norm of (1 - e^-t) e^(-theta t) over the lattice (Cauchy, Schwarz).
/// </remarks>
internal sealed class TiltedWindow
{
    private const int MostPoints = 1 << 22;

    // Within such a run powers are multiplied up: their error stays below 1e-13.
    private const int Run = 64;
    private const double MostRise = 64;
    private readonly double _step;
    private readonly double _first;
    private readonly double[] _mass;
    private readonly double _theta;
    private readonly double _logMoment;

    // The error of delta is at most this, relative to e^(K - theta epsilon); and that of sums of masses, relative to themselves.
    private readonly double _noise;
    private readonly double _slack;

    private TiltedWindow(LossRange range, double step, double first, (double[] Mass, double Error) sum, double logMoment, double slack)
    {
        (_step, _first, _mass, _theta, _logMoment) = (step, first, sum.Mass, range.Theta, logMoment);
        _slack = slack + (2.3e-16 * _mass.Length);
        double t = _theta, integral = 1 / (2 * t * ((2 * t) + 1) * (t + 1)), most = 1 / (1 + t);
        _noise = (sum.Error * Math.Sqrt(Math.Min(_mass.Length, (integral / step) + (most * most)))) + (2 * LossRange.Outside);
    }

    /// <summary>The sums of all losses from above and from below, by one Fourier transform per part for both; null where no loss is finite.</summary>
    /// <param name="parts">On lattices of one step.</param>
    /// <param name="theta">The tilt, above 0.</param>
    /// <param name="slack">Relative error of all single masses together.</param>
    public static (TiltedWindow Above, TiltedWindow Below)? Of((LossGrid Grid, long Count)[] parts, double theta, double slack)
    {
        if (LossRange.Of(parts, theta) is not { } range)
        {
            return null;
        }

        var step = parts[0].Grid.Step;
        var points = 16;
        while (points < ((range.Highest - range.Lowest) / step) + 4)
        {
            points *= 2;
            if (points > MostPoints)
            {
                throw new ArithmeticException("The composed privacy loss spans too many grid points; use a larger interval.");
            }
        }

        var origin = parts.Sum(part => part.Count * part.Grid.Origin);
        var first = (long)Math.Floor((range.Lowest - origin) / step) - 1;
        var spectrum = new PairSpectrum(points);
        double logAbove = 0, logBelow = 0;
        foreach (var (grid, count) in parts)
        {
            var (above, below) = spectrum.MultiplyBy(grid, theta * step, count);
            logAbove += count * (above + (theta * grid.Origin));
            logBelow += count * (below + (theta * grid.Origin));
        }

        var (massAbove, massBelow, error) = spectrum.Sums(first);
        var lowest = origin + (first * step);
        return (new(range, step, lowest, (massAbove, error), logAbove, slack), new(range, step, lowest, (massBelow, error), logBelow, slack));
    }

    /// <summary>delta at an epsilon, from above or from below as this window is.</summary>
    public double DeltaAt(double epsilon, double infinite, bool above)
    {
        var (p, q) = (0.0, 0.0);
        for (var i = _mass.Length - 1; i >= 0 && _first + (i * _step) is var x && x > epsilon; i--)
        {
            var weight = Math.Max(0, _mass[i]) * Math.Exp(_logMoment - (_theta * x));
            p += weight;
            q += weight * Math.Exp(epsilon - x);
        }

        // Below the window all masses are above epsilon.
        var error = (_noise * Math.Exp(_logMoment - (_theta * Math.Max(epsilon, _first)))) + (_slack * p);
        return Math.Clamp(p - q + infinite + (above ? error : -error), 0, 1);
    }

    /// <summary>epsilon at a delta, from above or from below as this window is.</summary>
    public double EpsilonAt(double delta, double infinite, bool above)
    {
        // From the top down. Between two lattice points delta(epsilon) = p - e^epsilon q, with all losses above summed up; it falls with epsilon.
        double p = 0, q = 0, back = Math.Exp(_step), sign = above ? 1 : -1, growth = Math.Exp(_theta * _step);
        var run = (int)Math.Clamp(MostRise / ((1 + _theta) * _step), 1, Run);
        for (var end = _mass.Length; end > 0; end -= run)
        {
            var top = _first + ((end - 1) * _step);
            double weight = Math.Exp(_logMoment - (_theta * top)), scale = Math.Exp(-top);
            for (var i = end - 1; i >= Math.Max(0, end - run); i--)
            {
                var mass = Math.Max(0, _mass[i]) * weight;
                p += mass;
                q += mass * scale;
                scale *= back;
                weight *= growth;

                // Both are those of the next point down here, at which the error is largest.
                var target = delta - infinite - (sign * ((_noise * weight) + (_slack * p)));
                if (p - (q / scale) > target)
                {
                    var x = _first + (i * _step);
                    var epsilon = p > target ? Math.Log((p - target) / q) : double.NegativeInfinity;
                    return Math.Max(0, Math.Clamp(epsilon, x - _step, x));
                }
            }
        }

        return Math.Max(0, above ? _first : 0);
    }
}
