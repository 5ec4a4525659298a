namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>One question's plan: Gaussian parts collapsed, the others as pairs with counts, and the shortest way to the answer.</summary>
internal sealed class LossPlan
{
    // Rounding of the cells' masses, relative.
    private const double GridSlack = 1e-9;
    private readonly double _mu;
    private readonly List<((DominatingPair Remove, DominatingPair Add) Pairs, long Count)> _parts = [];

    // About the variance of all losses together: the divergence of order 2.
    private double _spread;

    public LossPlan(PrivacyEvent released)
    {
        var square = 0.0;
        foreach (var (single, count) in EventTree.Flatten(released))
        {
            if (GaussianParts.SquaredMu(single) is { } part)
            {
                square += count * part;
            }
            else
            {
                _parts.Add((PairsOf.Event(single), count));
                _spread += count * Spread(single);
            }
        }

        _mu = Math.Sqrt(square);
        if (_mu > 0 && _parts.Count > 0)
        {
            DominatingPair pair = double.IsInfinity(_mu) ? new AtomicPair([new(1, 0), new(0, 1)]) : new GaussianPair(_mu);
            _parts.Add(((pair, pair), 1));
            _spread += square;
        }
    }

    public Bracket EpsilonAt(Delta delta, double? interval, double slack)
    {
        if (_parts.Count == 0)
        {
            var exact = GaussianProfile.EpsilonAt(_mu, delta);
            return new(exact * (1 - slack), exact);
        }

        if (_parts is [var ((remove, add), count)] && count == 1)
        {
            var exact = Math.Max(Invert(remove, delta.Value), Invert(add, delta.Value));
            return new(exact * (1 - slack), (exact * (1 + slack)) + (double.IsInfinity(exact) ? 0 : 1e-14));
        }

        var (low, high) = (0.0, 0.0);
        foreach (var one in Compositions(interval, delta.Value).Select(composition => composition.EpsilonAt(delta.Value)))
        {
            (low, high) = (Math.Max(low, one.Lower), Math.Max(high, one.Upper));
        }

        return new(low * (1 - GridSlack), Math.Min(high * (1 + GridSlack), PureEnd()));
    }

    public Bracket DeltaAt(double epsilon, double? interval, double slack)
    {
        if (_parts.Count == 0)
        {
            var exact = GaussianProfile.DeltaAt(_mu, epsilon);
            return new(exact * (1 - slack), Math.Min(1, exact * (1 + slack)));
        }

        if (_parts is [var ((remove, add), count)] && count == 1)
        {
            var exact = Math.Max(remove.DeltaAt(epsilon), add.DeltaAt(epsilon));
            return new(exact * (1 - slack), Math.Min(1, exact * (1 + slack)));
        }

        var (low, high) = (0.0, 0.0);
        foreach (var one in Compositions(interval, 1e-12).Select(composition => composition.DeltaAt(epsilon)))
        {
            (low, high) = (Math.Max(low, one.Lower), Math.Max(high, one.Upper));
        }

        return new(low * (1 - GridSlack), Math.Min(1, high * (1 + GridSlack)));
    }

    // No loss exceeds the sum of the largest ones.
    private double PureEnd() => _parts.Sum(part => part.Count * Math.Max(part.Pairs.Remove.Largest, part.Pairs.Add.Largest)) is var sum && !double.IsNaN(sum)
        && _parts.TrueForAll(part => part.Pairs.Remove.Above(double.PositiveInfinity).P == 0) ? sum * (1 + 1e-12) : double.PositiveInfinity;

    private IEnumerable<LossComposition> Compositions(double? interval, double delta)
    {
        var total = _parts.Sum(part => (double)part.Count);
        var tail = Math.Min(1e-20, delta * 1e-7 / total);
        var step = interval ?? DefaultStep(total);
        yield return Compose(part => part.Remove, step, tail);
        if (_parts.Exists(part => !ReferenceEquals(part.Pairs.Remove, part.Pairs.Add)))
        {
            yield return Compose(part => part.Add, step, tail);
        }
    }

    // Splitting to the grid moves each loss up by at most step^2/8 on average (1e-5 in all) and adds at most step^2/4 to its variance (0.6 % in all).
    private double DefaultStep(double total) =>
        Math.Clamp(Math.Min(Math.Sqrt(8e-5 / total), 0.15 * Math.Sqrt(_spread / total)), 4e-6, 1e-3);

    private static double Spread(PrivacyEvent single)
    {
        try
        {
            return Renyi.DivergenceOf(single, new(2));
        }
        catch (UnaccountableEventException)
        {
            return 1;
        }
    }

    private LossComposition Compose(Func<(DominatingPair Remove, DominatingPair Add), DominatingPair> side, double step, double tail) =>
        new(_parts.Select(part => (LossGrid.Of(side(part.Pairs), step, tail), part.Count)));

    private static double Invert(DominatingPair pair, double delta)
    {
        if (pair.DeltaAt(0) <= delta)
        {
            return 0;
        }

        var high = 1.0;
        while (pair.DeltaAt(high) > delta)
        {
            high *= 2;
            if (high > 1e12)
            {
                return double.PositiveInfinity;
            }
        }

        return Crossing.Falling(epsilon => pair.DeltaAt(epsilon) is > 0 and var at ? Math.Log(at / delta) : -1, 0, high);
    }
}
