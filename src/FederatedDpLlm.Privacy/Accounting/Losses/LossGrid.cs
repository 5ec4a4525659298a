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

    /// <summary>
    /// A bound on how far the spread moves the mean loss up: in a cell of masses p and q the mean is at least ln(p/q) (Jensen), as both keep theirs.
    /// </summary>
    public double MeanShift { get; private set; }

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
        var (cells, bottom, top) = CellsOf(pair);
        Upper[0] = bottom.P;
        var spread = -Elementary.ExpMinusOne(-Step);
        for (var i = 0; i < cells.Length; i++)
        {
            var (p, q) = cells[i];
            var right = Math.Clamp((p - q) / spread, 0, p);
            Upper[i] += p - right;
            Upper[i + 1] += right;

            // Above the lower end of the cell: right step - p ln(p/q), where p ln(p/q) is at least p - q = right spread.
            MeanShift += right * (Step - spread);
        }

        (Infinite, SurelyInfinite) = (top, pair.Above(double.PositiveInfinity).P);
        var witness = pair.Witness;
        if (!ReferenceEquals(witness, pair))
        {
            (cells, bottom, _) = CellsOf(witness);
            MeanShift = double.PositiveInfinity;
        }

        SetApartLargest(witness, cells);
        Rise = new LossContraction(Step, cells, bottom).Into(Lower);
    }

    // Masses between the lattice points, up to the first one and beyond the last one; those under Q times e^(the lower end), where both would be equal.
    private (Masses[] Cells, Masses Bottom, double Top) CellsOf(DominatingPair pair)
    {
        // An outcome of its own mass on a lattice point belongs to the cell below it, on whichever side of it rounding has put it.
        var (up, down) = pair.Tails(Origin + Nudge);
        Masses bottom = new(down.P, Math.Max(0, down.Q - pair.Below(double.NegativeInfinity).Q) * Math.Exp(Origin));
        var cells = new Masses[Upper.Length - 1];
        for (var i = 0; i < cells.Length; i++)
        {
            var at = Origin + (i * Step);
            var (upNext, downNext) = pair.Tails(at + Step + Nudge);

            // The difference of the smaller tails loses the fewest digits.
            var lower = downNext.P < upNext.P;
            var p = Math.Max(0, lower ? downNext.P - down.P : up.P - upNext.P);
            var q = Math.Max(0, lower ? downNext.Q - down.Q : up.Q - upNext.Q);
            cells[i] = new(p, q == 0 ? 0 : q * Math.Exp(at));
            (up, down) = (upNext, downNext);
        }

        return (cells, bottom, up.P);
    }

    // Where the largest loss has a mass of its own on a lattice point, it is merged with nothing: it moves from the cell below that point, among others, to the one above, alone.
    private void SetApartLargest(DominatingPair pair, Masses[] cells)
    {
        var index = (int)Math.Min(cells.Length - 1, Math.Round((pair.Largest - Origin) / Step));
        var point = Origin + (index * Step);
        if (Nudge == 0 || index < 1 || Math.Abs(pair.Largest - point) > Nudge)
        {
            return;
        }

        Masses from = pair.Above(point - Nudge), to = pair.Above(point + Nudge), below = cells[index - 1];
        var (p, q) = (Math.Min(from.P - to.P, below.P), (from.Q - to.Q) * Math.Exp(point));
        cells[index] = new(cells[index].P + p, cells[index].Q + q);
        cells[index - 1] = new(below.P - p, Math.Max(0, below.Q - (q * Math.Exp(-Step))));
    }

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
