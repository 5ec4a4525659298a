using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>A privacy loss distribution between two others on a lattice of losses <see cref="Origin"/> + i <see cref="Step"/>: one from above and one from below.</summary>
/// <remarks>
/// With U = dQ/dP under P, delta(epsilon) = E max(0, 1 - e^epsilon U), also for a composition (where the U multiply), is convex in each U: a spread of U that keeps its mean is a bound from
/// above, a contraction is one from below. From above: "connect the dots" (Doroshenko et al., arXiv:2207.04380), the least spread on the lattice. From below: <see cref="LossContraction"/>.
/// Both errors are of second order in the step.
/// </remarks>
internal sealed class LossGrid
{
    private const int MostPoints = 1 << 22;

    private LossGrid(double step, double origin, int count) =>
        (Step, Origin, Upper, Lower) = (step, origin, new double[count], new double[count]);

    /// <summary>Nats between lattice points.</summary>
    public double Step { get; }

    /// <summary>The loss of the first mass.</summary>
    public double Origin { get; }

    /// <summary>Masses under P, from above.</summary>
    public double[] Upper { get; }

    /// <summary>Masses under P, from below; together they may be less than 1 (a loss of minus infinity).</summary>
    public double[] Lower { get; }

    /// <summary>Mass under P of an infinite loss, from above: with what the lattice does not reach.</summary>
    public double Infinite { get; private set; }

    /// <summary>Mass under P of outcomes that Q cannot produce.</summary>
    public double SurelyInfinite { get; private set; }

    /// <summary>How much too high (by rounding) a loss of <see cref="Lower"/> may be.</summary>
    public double Rise { get; private set; }

    /// <summary>How much too low a loss of <see cref="Upper"/> may be.</summary>
    public double Nudge { get; private set; }

    /// <summary>How far apart (within a few thousandths) the quartiles of the loss are.</summary>
    public double Bulk { get; private set; }

    /// <summary>Puts a pair on a lattice that runs through its smallest loss, if that is finite, else through 0.</summary>
    /// <param name="pair">What to put there.</param>
    /// <param name="step">Above 0.</param>
    /// <param name="tail">Mass that may be cut off at each end: from above it is charged as infinite or moved up, from below it is given up.</param>
    public static LossGrid Of(DominatingPair pair, double step, double tail)
    {
        var top = Math.Min(pair.Largest, UpperEnd(pair, tail));
        var bottom = Math.Max(pair.Smallest, LowerEnd(pair, tail));
        if (!((top - bottom) / step <= MostPoints))
        {
            throw new ArithmeticException("The privacy loss spans too many grid points; use a larger interval.");
        }

        var anchor = double.IsFinite(pair.Smallest) ? pair.Smallest : 0;
        var origin = anchor + (step * Math.Floor((bottom - anchor) / step));
        var grid = new LossGrid(step, origin, (int)Math.Max(1, Math.Ceiling(((top - origin) / step) + 1e-6)) + 1);
        grid.Fill(pair);
        return grid;
    }

    /// <summary>The smallest and largest losses between which all but so much mass lies.</summary>
    public static double RangeOf(DominatingPair pair, double tail) =>
        Math.Min(pair.Largest, UpperEnd(pair, tail)) - Math.Max(pair.Smallest, LowerEnd(pair, tail));

    private void Fill(DominatingPair pair)
    {
        Nudge = pair.Rounding;
        (Infinite, SurelyInfinite) = (Spread(pair), pair.Above(double.PositiveInfinity).P);
        Rise = Contract(pair.Witness);
        Bulk = End(x => pair.Above(x).P, 0.25) - End(x => pair.Above(x).P, 0.75);
    }

    // From above; returns the mass beyond the last lattice point.
    private double Spread(DominatingPair pair)
    {
        var (points, cells, bottom, top) = CellsOf(pair);
        points.CopyTo(Upper, 0);
        Upper[0] += bottom;
        var spread = -Elementary.ExpMinusOne(-Step);
        for (var i = 0; i < cells.Length; i++)
        {
            var (p, q) = cells[i];
            var right = Math.Clamp((p - q) / spread, 0, p);
            Upper[i] += p - right;
            Upper[i + 1] += right;
        }

        return top;
    }

    // From below; what lies beyond the ends is given up.
    private double Contract(DominatingPair pair)
    {
        var (points, cells, _, _) = CellsOf(pair);
        var rise = new LossContraction(Step, cells).Into(Lower);
        for (var i = 0; i < points.Length; i++)
        {
            Lower[i] += points[i];
        }

        return rise;
    }

    // Masses under P on the lattice points; masses between them, those under Q times e^(the lower end), where both would be equal; masses under P below the first and above the last point.
    private (double[] Points, Masses[] Cells, double Bottom, double Top) CellsOf(DominatingPair pair)
    {
        var (points, cells) = (new double[Upper.Length], new Masses[Upper.Length - 1]);
        var (up, down) = pair.Tails(Origin - Nudge);
        var bottom = down.P;
        for (var i = 0; i < points.Length; i++)
        {
            var at = Origin + (i * Step);
            if (Nudge > 0)
            {
                // An outcome of its own mass is on its lattice point, on whichever side of it rounding has put it.
                var (upNext, downNext) = pair.Tails(at + Nudge);
                points[i] = Between(up, down, upNext, downNext).P;
                (up, down) = (upNext, downNext);
            }

            if (i < cells.Length)
            {
                var (upNext, downNext) = pair.Tails(at + Step - Nudge);
                var (p, q) = Between(up, down, upNext, downNext);
                cells[i] = new(p, q == 0 ? 0 : q * Math.Exp(at));
                (up, down) = (upNext, downNext);
            }
        }

        return (points, cells, bottom, up.P);
    }

    // The difference of the smaller tails loses the fewest digits.
    private static Masses Between(Masses up, Masses down, Masses upNext, Masses downNext) => downNext.P < upNext.P
        ? new(Math.Max(0, downNext.P - down.P), Math.Max(0, downNext.Q - down.Q))
        : new(Math.Max(0, up.P - upNext.P), Math.Max(0, up.Q - upNext.Q));

    private static double UpperEnd(DominatingPair pair, double tail)
    {
        var infinite = pair.Above(double.PositiveInfinity).P;
        return End(x => pair.Above(x).P - infinite, tail);
    }

    private static double LowerEnd(DominatingPair pair, double tail) => -End(x => pair.Below(-x).P, tail);

    // The smallest x (within a thousandth) beyond which the falling mass is at most the tail; it may be negative.
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

        while (high - low > 1e-3 * Math.Max(1e-9, Math.Abs(high)))
        {
            var middle = (low + high) / 2;
            (low, high) = mass(middle) > tail ? (middle, high) : (low, middle);
        }

        return high;
    }
}
