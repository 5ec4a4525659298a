namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>
/// Merges the outcomes of a pair until every merged outcome's loss lies on the lattice: forgetting which of several outcomes it was is post-processing, so no delta grows.
/// </summary>
/// <remarks>
/// From the top: whatever is left above a lattice point is merged with just so much of what is next below it that the ratio of the two masses is that point's. Geometrically, with delta as a
/// convex function of e^epsilon, each step draws the tangent from the last corner to the curve and follows it to the next lattice point.
/// </remarks>
/// <param name="step">Nats between lattice points.</param>
/// <param name="cells">Masses between lattice points i and i + 1, Q's times e^(lattice point i).</param>
/// <param name="below">Masses up to the first lattice point, Q's times e^(that point).</param>
internal sealed class LossContraction(double step, Masses[] cells, Masses below)
{
    // A loss this little below a lattice point counts as on it; the caller takes it off again.
    private const double Tolerance = 1e-12;
    private readonly double _grow = Math.Exp(step);
    private int _next;
    private double _rest;

    /// <summary>Fills the masses under P.</summary>
    /// <returns>By how much the loss of one of them may be too high.</returns>
    public double Into(Span<double> merged)
    {
        double shrink = 1 / _grow, p = 0, q = 0, rise = 0;
        (_next, _rest) = (cells.Length - 1, 1);
        for (var at = cells.Length; at >= 0; at--)
        {
            q *= shrink;
            while (_next >= -1 && Next(at) is var piece && (_next >= at || (piece.P > 0 && piece.P >= piece.Q * (1 - Tolerance))))
            {
                (p, q) = (p + piece.P, q + piece.Q);
                Advance();
            }

            var surplus = p - q;
            if (p == 0 || surplus < -Tolerance * p)
            {
                continue;
            }

            rise = Math.Max(rise, -surplus / p);
            merged[at] = p + Balance(at, surplus);
            (p, q) = (0, 0);
        }

        return rise;
    }

    // Takes from below what evens out the surplus. Where nothing is left, the loss is rounded down to the lattice point, which only lowers delta.
    private double Balance(int at, double surplus)
    {
        var taken = 0.0;
        while (surplus > 0 && _next >= -1)
        {
            var piece = Next(at);
            var lack = Math.Max(0, piece.Q - piece.P);
            if (lack > surplus)
            {
                var share = surplus / lack;
                _rest *= 1 - share;
                return taken + (share * piece.P);
            }

            taken += piece.P;
            surplus -= lack;
            Advance();
        }

        return taken;
    }

    private void Advance() => (_next, _rest) = (_next - 1, 1);

    // What is left of the next outcomes, Q's mass times e^(lattice point "at").
    private Masses Next(int at)
    {
        var (p, q) = _next >= 0 ? cells[_next] : below;
        var distance = at - Math.Max(_next, 0);
        return new(_rest * p, q == 0 ? 0 : _rest * q * (distance switch { 0 => 1, 1 => _grow, _ => Math.Exp(distance * step) }));
    }
}
