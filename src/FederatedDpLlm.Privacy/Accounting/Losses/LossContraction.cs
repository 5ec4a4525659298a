namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>
/// Merges the outcomes of a pair until every merged outcome's loss lies on the lattice: forgetting which of several outcomes it was is post-processing, so no delta grows.
/// </summary>
/// <remarks>
/// From the top: whatever is left above a lattice point is merged with just so much of what is next below it that the ratio of the two masses is that point's. Geometrically, with delta as a
/// convex function of e^epsilon, each step draws the tangent from the last corner to the curve and follows it to the next lattice point. What is left at the bottom, where there is nothing
/// below to balance it, is lifted to the next lattice point by what was merged above. So both masses are kept, and the error is of second order in the step.
/// </remarks>
/// <param name="step">Nats between lattice points.</param>
/// <param name="cells">Masses strictly between lattice points i and i + 1, Q's times e^(lattice point i).</param>
internal sealed class LossContraction(double step, Masses[] cells)
{
    // A loss this little below a lattice point counts as on it; the caller takes it off again.
    private const double Tolerance = 1e-12;
    private readonly double _grow = Math.Exp(step);
    private int _next;
    private double _rest;

    /// <summary>Adds up the masses under P at each lattice point.</summary>
    /// <returns>By how much the loss of one of them may be too high.</returns>
    public double Into(Span<double> merged)
    {
        double shrink = 1 / _grow, p = 0, q = 0, rise = 0;
        (_next, _rest) = (cells.Length - 1, 1);
        for (var at = cells.Length; at >= 0; at--)
        {
            q *= shrink;
            while (_next >= 0 && Next(at) is var piece && (_next >= at || (piece.P > 0 && piece.P >= piece.Q * (1 - Tolerance))))
            {
                (p, q) = (p + piece.P, q + piece.Q);
                Advance();
            }

            if (p == 0 || p - q < -Tolerance * p)
            {
                continue;
            }

            rise = Math.Max(rise, (q - p) / p);
            Balance(at, ref p, ref q);
            merged[at + (p - q > Tolerance * p ? Lift(merged, at, ref p, q) : 0)] += p;
            (p, q) = (0, 0);
        }

        return rise;
    }

    // Takes from below what evens out the surplus of p over q.
    private void Balance(int at, ref double p, ref double q)
    {
        while (p > q && _next >= 0)
        {
            var piece = Next(at);
            var lack = Math.Max(0, piece.Q - piece.P);
            if (lack > p - q)
            {
                var share = (p - q) / lack;
                (p, q, _rest) = (p + (share * piece.P), q + (share * piece.Q), _rest * (1 - share));
                return;
            }

            (p, q) = (p + piece.P, q + piece.Q);
            Advance();
        }
    }

    // With nothing left below: takes from above what lifts the masses one lattice point up. Where there is too little of it they are rounded down, which only lowers delta.
    private int Lift(Span<double> merged, int at, ref double p, double q)
    {
        var lack = (q * _grow) - p;
        for (var j = at + 2; j < merged.Length && lack > 0; j++)
        {
            lack -= merged[j] * (1 - Math.Exp((at + 1 - j) * step));
        }

        if (!(lack <= 0) || at + 1 == merged.Length)
        {
            return 0;
        }

        lack = (q * _grow) - p;
        for (var j = at + 2; lack > 0 && j < merged.Length; j++)
        {
            var gain = 1 - Math.Exp((at + 1 - j) * step);
            var taken = Math.Min(merged[j], lack / gain);
            lack -= taken * gain;
            merged[j] -= taken;
            p += taken;
        }

        return 1;
    }

    private void Advance() => (_next, _rest) = (_next - 1, 1);

    // What is left of the next outcomes, Q's mass times e^(lattice point "at").
    private Masses Next(int at)
    {
        var (p, q) = cells[_next];
        var distance = at - _next;
        return new(_rest * p, q == 0 ? 0 : _rest * q * (distance switch { 0 => 1, 1 => _grow, _ => Math.Exp(distance * step) }));
    }
}
