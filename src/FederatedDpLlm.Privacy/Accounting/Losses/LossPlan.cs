namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>One question's plan: Gaussian parts collapsed, the others as pairs with counts, and the shortest way to the answer.</summary>
internal sealed class LossPlan
{
    // Rounding of the cells' masses, relative.
    private const double GridSlack = 1e-9;
    private const double MostExactPoints = 1 << 16;
    private const double FirstPoints = 1 << 12;
    private const double Negligible = 1e-11;
    private readonly double _mu;

    // Nats that parts too small for any lattice add at most: a release whose loss never exceeds e adds at most e to epsilon, and never takes from it.
    private readonly double _negligible;
    private readonly List<((DominatingPair Remove, DominatingPair Add) Pairs, long Count)> _parts = [];

    private readonly double _total;

    // About the variance of all losses together.
    private double _spread;

    public LossPlan(PrivacyEvent released)
    {
        var square = 0.0;
        var events = EventTree.Flatten(released);
        foreach (var (single, count) in events)
        {
            if (GaussianParts.SquaredMu(single) is { } part)
            {
                square += count * part;
            }
            else if (PairsOf.Event(single) is var pairs && count * LargestOf(pairs) is var most && most <= Negligible && events is not [(_, 1)])
            {
                _negligible += most;
            }
            else
            {
                _parts.Add((pairs, count));
                _spread += count * Spread(pairs.Remove);
            }
        }

        _mu = Math.Sqrt(square);
        if (_mu > 0 && _parts.Count > 0)
        {
            DominatingPair pair = double.IsInfinity(_mu) ? new AtomicPair([new(1, 0), new(0, 1)]) : new GaussianPair(_mu);
            _parts.Add(((pair, pair), 1));
            _spread += square;
        }

        _total = Math.Max(1, _parts.Sum(part => (double)part.Count));
    }

    public Bracket EpsilonAt(Delta delta, double? interval, double slack) =>
        OfParts(delta, interval, slack) is var bracket ? new(bracket.Lower, bracket.Upper + _negligible) : bracket;

    public Bracket DeltaAt(double epsilon, double? interval, double slack)
    {
        var bracket = OfParts(epsilon, interval, slack);
        return _negligible == 0 ? bracket : new(bracket.Lower, OfParts(epsilon - _negligible, interval, slack).Upper);
    }

    private Bracket OfParts(Delta delta, double? interval, double slack)
    {
        if (_parts.Count == 0)
        {
            return new(GaussianProfile.EpsilonAt(_mu, Raised(delta, slack)) * (1 - slack), GaussianProfile.EpsilonAt(_mu, delta));
        }

        if (_parts is [var ((remove, add), count)] && count == 1)
        {
            double Exact(double at) => Math.Max(Invert(remove, at), Invert(add, at));
            var upper = Exact(delta.Value * (1 - slack));
            return new(Exact(Raised(delta, slack).Value) * (1 - slack), (upper * (1 + slack)) + (double.IsInfinity(upper) ? 0 : 1e-14));
        }

        var (low, high) = (0.0, 0.0);
        foreach (var one in Compositions(interval, delta.Value, composition => composition.TiltForDelta(delta.Value)).Select(composition => composition.EpsilonAt(delta.Value)))
        {
            (low, high) = (Math.Max(low, one.Lower), Math.Max(high, one.Upper));
        }

        return new(low * (1 - GridSlack), Math.Min(high * (1 + GridSlack), PureEnd()));
    }

    private Bracket OfParts(double epsilon, double? interval, double slack)
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
        foreach (var one in Compositions(interval, 1e-12, composition => composition.TiltForEpsilon(epsilon)).Select(composition => composition.DeltaAt(epsilon)))
        {
            (low, high) = (Math.Max(low, one.Lower), Math.Max(high, one.Upper));
        }

        return new(low * (1 - GridSlack), Math.Min(1, high * (1 + GridSlack)));
    }

    // The largest loss of either direction; the smallest of one is the largest of the other with the other sign.
    private static double LargestOf((DominatingPair Remove, DominatingPair Add) pairs) =>
        pairs.Remove.Above(double.PositiveInfinity).P + pairs.Add.Above(double.PositiveInfinity).P > 0
            ? double.PositiveInfinity
            : Math.Max(pairs.Remove.Largest, pairs.Add.Largest);

    // No loss exceeds the sum of the largest ones.
    private double PureEnd() => _parts.Sum(part => part.Count * Math.Max(part.Pairs.Remove.Largest, part.Pairs.Add.Largest)) is var sum && !double.IsNaN(sum)
        && _parts.TrueForAll(part => part.Pairs.Remove.Above(double.PositiveInfinity).P == 0) ? sum * (1 + 1e-12) : double.PositiveInfinity;

    private IEnumerable<LossComposition> Compositions(double? interval, double delta, Func<LossComposition, double> tilt)
    {
        var tail = Math.Max(1e-300, Math.Min(1e-10, delta * 1e-7) / _total);
        var step = interval ?? StepFor(tail, tilt);
        yield return Compose(part => part.Remove, step, tail);
        if (_parts.Exists(part => !ReferenceEquals(part.Pairs.Remove, part.Pairs.Add)))
        {
            yield return Compose(part => part.Add, step, tail);
        }
    }

    /// <summary>The lattice step that is used for epsilon at a delta where none is asked for.</summary>
    public double StepFor(double delta) => _parts.Count == 0 ? FirstPoints : Compositions(null, delta, composition => composition.TiltForDelta(delta)).First().Step;

    // A first lattice, just fine enough to tell the tilt and the window, tells how fine the one for the answer has to be.
    private double StepFor(double tail, Func<LossComposition, double> tilt)
    {
        var range = _parts.Max(part => LossGrid.RangeOf(part.Pairs.Remove, tail));
        var first = Compose(part => part.Remove, Math.Clamp(0.3 * Math.Sqrt(_spread / _total), Math.Max(1e-12, range / (16 * FirstPoints)), Math.Max(1e-12, range / FirstPoints)), tail);
        return first.StepFor(tilt(first));
    }

    private LossComposition Compose(Func<(DominatingPair Remove, DominatingPair Add), DominatingPair> side, double largestStep, double tail)
    {
        var step = Aligned(side(_parts.MaxBy(part => part.Count).Pairs), largestStep, tail);
        return new(_parts.Select(part => (LossGrid.Of(side(part.Pairs), step, tail), part.Count)));
    }

    // A step that puts the outcomes of the most frequent pair on the lattice; where they are all of it, exactly and with as few points as there are.
    private double Aligned(DominatingPair pair, double largestStep, double tail)
    {
        var spacing = pair.Spacing;
        if (pair.IsLattice && spacing > 0 && spacing < largestStep && LossGrid.RangeOf(pair, tail) >= MostExactPoints * spacing)
        {
            return largestStep;
        }

        return spacing == 0 ? largestStep : _parts.Count == 1 && pair.IsLattice ? spacing : spacing / Math.Ceiling(spacing / largestStep);
    }

    // E[loss^2] = integral of 2x P(|loss| > x), on points a factor of 1.4 apart: good to a few per cent, and it only chooses the step.
    private static double Spread(DominatingPair pair)
    {
        const double Factor = 1.4;
        double sum = 0, infinite = pair.Above(double.PositiveInfinity).P, last = 0;
        for (var x = 1e-12; x < 1e5; last = x, x *= Factor)
        {
            var beyond = pair.Above(x).P - infinite + pair.Below(-x).P;
            sum += ((x * x) - (last * last)) * Math.Max(0, beyond);
        }

        return sum;
    }

    private static Delta Raised(Delta delta, double slack) => new(Math.Min(delta.Value * (1 + slack), Math.BitDecrement(1.0)));

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
