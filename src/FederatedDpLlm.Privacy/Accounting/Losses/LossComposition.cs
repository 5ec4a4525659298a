using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>
/// The distribution of the sum of many grid losses, by one Fourier transform per distinct part, tilted towards the epsilon of interest: masses are multiplied by e^(theta x)
/// before and divided by it after, so that rounding errors are relative to the tail that is asked for and not to 1.
/// </summary>
/// <remarks>
/// Koskela, Jalko, Honkela, arXiv:1906.03049 (Fourier accounting); Gopi, Lee, Wutschitz, arXiv:2106.02848; tilting is the saddle point of Alghamdi et al., arXiv:2208.09595.
/// The window holds all but 2e-16 of the tilted mass on each side (Chernoff), and what leaves it is charged.
/// </remarks>
internal sealed class LossComposition
{
    private const double LogTail = 36;
    private const int MostPoints = 1 << 22;
    private readonly (LossGrid Grid, long Count)[] _parts;
    private readonly double _step;

    public LossComposition(IEnumerable<(LossGrid Grid, long Count)> parts)
    {
        _parts = [.. parts];
        _step = _parts[0].Grid.Step;
        Infinite = -Elementary.ExpMinusOne(_parts.Sum(part => part.Count * Elementary.LogOnePlus(-part.Grid.Infinite)));
    }

    /// <summary>The chance of an infinite loss.</summary>
    public double Infinite { get; }

    /// <summary>delta at an epsilon.</summary>
    public Bracket DeltaAt(double epsilon)
    {
        var theta = Theta(t => Moments(t).Mean + Math.Log(t / (1 + t)) - epsilon);
        var window = Window(theta);
        var upper = window.DeltaAt(epsilon, Infinite, above: true);
        var miss = Math.Max(upper * 1e-3, 1e-300);
        return new(Math.Max(0, window.DeltaAt(epsilon + LargestShift(miss), 0, above: false) - miss), upper);
    }

    /// <summary>epsilon at a delta above 0; infinite where the chance of an infinite loss alone is larger.</summary>
    public Bracket EpsilonAt(double delta)
    {
        if (Infinite >= delta)
        {
            return new(0, double.PositiveInfinity);
        }

        // The best bound delta <= e^(K(theta) - theta epsilon) theta^theta/(1+theta)^(1+theta) (Canonne, Kamath, Steinke, Proposition 12): at its optimum
        // theta K' - K + ln(1 + theta) = ln(1/delta).
        var logDelta = Math.Log(delta - Infinite);
        var theta = Theta(t => Moments(t) is var m ? (t * m.Mean) - m.Log + Math.Log(1 + t) + logDelta : 0);
        var window = Window(theta);
        var miss = delta * 1e-3;
        return new(
            Math.Max(0, window.EpsilonAt(delta + miss, 0, above: false) - LargestShift(miss)),
            window.EpsilonAt(delta, Infinite, above: true));
    }

    // How far the grid moved the summed loss up, but for a chance of "miss": each single loss moves by at most a step either way, and by MeanShift on average
    // (Hoeffding's inequality). So delta at epsilon is at least the grid's at epsilon + this shift, less the miss.
    private double LargestShift(double miss) => _parts.Sum(part => part.Count * part.Grid.MeanShift)
        + (_step * Math.Sqrt(2 * _parts.Sum(part => (double)part.Count) * -Math.Log(miss)));

    // A root of an increasing function of theta; between 1e-3 and what doubles can tilt.
    private double Theta(Func<double, double> increasing)
    {
        double low = 1e-3, high = 1;
        var widest = _parts.Max(part => Math.Max(Math.Abs(part.Grid.First), Math.Abs(part.Grid.First + part.Grid.Mass.Length)) * _step);
        var limit = 600 / Math.Max(widest, 1e-3);
        while (high < limit && increasing(high) < 0)
        {
            (low, high) = (high, high * 2);
        }

        high = Math.Min(high, limit);
        for (var i = 0; i < 14; i++)
        {
            var middle = (low + high) / 2;
            (low, high) = increasing(middle) < 0 ? (middle, high) : (low, middle);
        }

        return low;
    }

    // ln E e^(theta x) of the sum, and mean and variance of the tilted sum.
    private (double Log, double Mean, double Variance) Moments(double theta)
    {
        double log = 0, mean = 0, variance = 0;
        foreach (var (grid, count) in _parts)
        {
            double sum = 0, first = 0, second = 0, weight = 1, ratio = Math.Exp(theta * _step);
            for (var i = 0; i < grid.Mass.Length; i++)
            {
                var tilted = grid.Mass[i] * weight;
                weight *= ratio;
                sum += tilted;
                first += tilted * i;
                second += tilted * i * i;
            }

            if (sum == 0)
            {
                return (double.NegativeInfinity, 0, 0);
            }

            var center = first / sum;
            log += count * (Math.Log(sum) + (theta * _step * grid.First));
            mean += count * _step * (grid.First + center);
            variance += count * _step * _step * Math.Max(0, (second / sum) - (center * center));
        }

        return (log, mean, variance);
    }

    private TiltedWindow Window(double theta)
    {
        var (log, mean, variance) = Moments(theta);
        if (double.IsNegativeInfinity(log))
        {
            return new(_step, 0, [0], 0, double.NegativeInfinity, 0);
        }

        double up = Reach(theta, log, mean, variance, +1), down = Reach(theta, log, mean, variance, -1);
        var points = 16;
        while (points < (up + down) / _step + 4)
        {
            points *= 2;
            if (points > MostPoints)
            {
                throw new ArithmeticException("The composed privacy loss spans too many grid points; use a larger interval.");
            }
        }

        var first = (long)Math.Floor((mean - down) / _step);
        return new(_step, first, Convolve(theta, points, first), theta, log, _parts.Sum(part => (double)part.Count));
    }

    // How far beyond its mean the tilted sum has less than e^-36 left, by the best of a few Chernoff bounds.
    private double Reach(double theta, double log, double mean, double variance, int sign)
    {
        // The sum cannot leave its own support.
        var support = _parts.Sum(part => part.Count * _step * (sign > 0 ? part.Grid.First + part.Grid.Mass.Length - 1 : -part.Grid.First)) - (sign * mean);
        var best = support;
        for (var s = 0.25; s <= 4; s *= 1.4)
        {
            var shift = s * Math.Sqrt(2 * LogTail / Math.Max(variance, _step * _step));
            if (theta + (sign * shift) is var moved && Math.Abs(moved) * _parts.Max(part => part.Grid.Mass.Length) * _step < 650)
            {
                best = Math.Min(best, ((Moments(moved).Log - log + LogTail) / shift) - (sign * mean));
            }
        }

        return Math.Max(best, 0);
    }

    private double[] Convolve(double theta, int points, long first)
    {
        double[] real = new double[points], imaginary = new double[points];
        double[]? productReal = null, productImaginary = null;
        var plan = FourierTransform.OfLength(points);
        var offset = 0L;
        foreach (var (grid, count) in _parts)
        {
            Array.Clear(real);
            Array.Clear(imaginary);
            Tilt(grid, theta, real);
            offset = Modulo(offset + Modulo(checked((Int128)grid.First * count), points), points);
            plan.Forward(real, imaginary);
            ComplexPower.Raise(real, imaginary, count);
            if (productReal is null)
            {
                (productReal, productImaginary, real, imaginary) = (real, imaginary, new double[points], new double[points]);
            }
            else
            {
                ComplexPower.Multiply(productReal, productImaginary!, real, imaginary);
            }
        }

        plan.Backward(productReal!, productImaginary!);
        var mass = new double[points];
        for (var i = 0; i < points; i++)
        {
            mass[i] = productReal![(int)Modulo(first + i - offset, points)] / points;
        }

        return mass;
    }

    // Normalised to 1, so powers stay in range; the logarithm of what was divided out is Moments(theta).Log.
    private static void Tilt(LossGrid grid, double theta, double[] circle)
    {
        double weight = 1, ratio = Math.Exp(theta * grid.Step), sum = 0;
        for (var i = 0; i < grid.Mass.Length; i++)
        {
            var tilted = grid.Mass[i] * weight;
            circle[i & (circle.Length - 1)] += tilted;
            sum += tilted;
            weight *= ratio;
        }

        for (var i = 0; i < circle.Length; i++)
        {
            circle[i] /= sum;
        }
    }

    private static long Modulo(Int128 value, int modulus) => (long)(((value % modulus) + modulus) % modulus);
}
