using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>A privacy loss distribution on the grid of multiples of <see cref="Step"/>, from above ("connect the dots").</summary>
/// <remarks>
/// Doroshenko et al., arXiv:2207.04380. The profile delta, as a function of e^epsilon, is convex; the chords between its values at the grid lie above it, and they are the profile of
/// the distribution in which the mass between two grid points is split over both so that P and Q keep theirs.
/// </remarks>
internal sealed class LossGrid
{
    private const int MostPoints = 1 << 22;

    private LossGrid(double step, long first, double[] mass, double infinite, double meanShift) =>
        (Step, First, Mass, Infinite, MeanShift) = (step, first, mass, infinite, meanShift);

    /// <summary>Nats between grid points.</summary>
    public double Step { get; }

    /// <summary>The grid index of <c>Mass[0]</c>.</summary>
    public long First { get; }

    /// <summary>Masses under P.</summary>
    public double[] Mass { get; }

    /// <summary>Mass under P of an infinite loss.</summary>
    public double Infinite { get; }

    /// <summary>
    /// A bound on how far the split moves the mean loss up: in a cell of masses p and q the mean is at least ln(p/q) (Jensen), as both keep theirs.
    /// </summary>
    public double MeanShift { get; }

    /// <summary>Puts a pair on the grid.</summary>
    /// <param name="pair">What to put on the grid.</param>
    /// <param name="step">Above 0.</param>
    /// <param name="tail">Mass that may be cut off at each end ; above it is charged as infinite, below it is moved up to the first grid point.</param>
    public static LossGrid Of(DominatingPair pair, double step, double tail)
    {
        var top = Math.Min(pair.Largest, UpperEnd(pair, tail));
        var bottom = Math.Max(pair.Smallest, LowerEnd(pair, tail));
        if ((top - bottom) / step > MostPoints)
        {
            throw new ArithmeticException("The privacy loss spans too many grid points; use a larger interval.");
        }

        long first = (long)Math.Floor(bottom / step), last = Math.Max(first + 1, (long)Math.Ceiling(top / step));
        return Fill(pair, step, first, (int)(last - first + 1));
    }

    private static LossGrid Fill(DominatingPair pair, double step, long first, int count)
    {
        var mass = new double[count];
        var spread = -Elementary.ExpMinusOne(-step);
        var shift = 0.0;
        Masses up = pair.Above(first * step), down = pair.Below(first * step);
        mass[0] = down.P;
        for (var i = 0; i + 1 < count; i++)
        {
            double at = (first + i) * step, next = (first + i + 1) * step;
            Masses upNext = pair.Above(next), downNext = pair.Below(next);

            // The difference of the smaller tails loses the fewest digits.
            var lower = downNext.P < upNext.P;
            var p = Math.Max(0, lower ? downNext.P - down.P : up.P - upNext.P);
            var q = Math.Max(0, lower ? downNext.Q - down.Q : up.Q - upNext.Q) * Math.Exp(at);
            var right = Math.Clamp((p - q) / spread, 0, p);
            mass[i] += p - right;
            mass[i + 1] += right;

            // Above "at": right step - p ln(p/q), at least 0, with ln(p/q) in [0, step].
            shift += p > 0 ? Math.Max(0, (right * step) - (p * Math.Clamp(Math.Log(p / Math.Max(q, 1e-300)), 0, step))) : 0;
            (up, down) = (upNext, downNext);
        }

        return new(step, first, mass, up.P, shift);
    }

    private static double UpperEnd(DominatingPair pair, double tail)
    {
        var infinite = pair.Above(double.PositiveInfinity).P;
        return End(x => pair.Above(x).P - infinite, tail);
    }

    private static double LowerEnd(DominatingPair pair, double tail) => -End(x => pair.Below(-x).P, tail);

    // The smallest x (within 2^-10 of it) beyond which the falling mass is at most the tail; it may be negative.
    private static double End(Func<double, double> mass, double tail)
    {
        double low = 0, high = 1;
        if (mass(0) <= tail)
        {
            for (; mass(-high) <= tail && high < 1e6; high *= 2)
            {
            }

            (low, high) = (-high, 0);
        }
        else
        {
            for (; mass(high) > tail && high < 1e12; high *= 2)
            {
                low = high;
            }
        }

        while (high - low > 1e-3 * Math.Max(1e-3, Math.Abs(high)))
        {
            var middle = (low + high) / 2;
            (low, high) = mass(middle) > tail ? (middle, high) : (low, middle);
        }

        return high;
    }
}
