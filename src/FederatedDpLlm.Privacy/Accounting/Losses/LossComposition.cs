using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>
/// The distribution of the sum of many losses, from above and from below at once, tilted towards the epsilon of interest: masses are multiplied by e^(theta x) before and divided by it after,
/// so that rounding errors are relative to the tail that is asked for and not to 1.
/// </summary>
/// <remarks>
/// Koskela, Jalko, Honkela, arXiv:1906.03049 (Fourier accounting); Gopi, Lee, Wutschitz, arXiv:2106.02848; tilting is the saddle point of Alghamdi et al., arXiv:2208.09595.
/// What leaves the window, what rounding does, and what the lattice cuts off are bounded and charged: <see cref="TiltedWindow"/>, <see cref="LossRange"/>, <see cref="LossGrid"/>.
/// </remarks>
internal sealed class LossComposition
{
    // Relative error of the tails of one loss, which also moves its mean by so much of its range.
    private const double MassError = 4e-13;
    private const double FewestPoints = 1 << 12;

    // Over one lattice step: the error grows by its power of e from a lattice point to the next one down.
    private const double LargestTilt = 8;
    private const double MostPoints = 1 << 18;
    private readonly (LossGrid Grid, long Count)[] _parts;
    private readonly double _step;
    private readonly double _count;

    // What rounding may have moved the sum of all losses by, and how much too high the one from below may be.
    private readonly double _rounding;
    private readonly double _rise;
    private readonly double _surelyInfinite;

    public LossComposition(IEnumerable<(LossGrid Grid, long Count)> parts)
    {
        _parts = [.. parts];
        _step = _parts[0].Grid.Step;
        _count = _parts.Sum(part => (double)part.Count);
        _rounding = _parts.Sum(part => part.Count * ((MassError * (Math.Abs(part.Grid.Origin) + (part.Grid.Upper.Length * _step))) + part.Grid.Nudge));
        _rise = _parts.Sum(part => part.Count * part.Grid.Rise) + _rounding;
        _surelyInfinite = AnyOf(grid => grid.SurelyInfinite);
        Infinite = AnyOf(grid => grid.Infinite);
    }

    /// <summary>The chance of an infinite loss, from above.</summary>
    public double Infinite { get; }

    public double Step => _step;

    /// <summary>
    /// The tilt of the best bound delta &lt;= e^(K(theta) - theta epsilon) theta^theta/(1+theta)^(1+theta) (Canonne, Kamath, Steinke, arXiv:2004.00010, Proposition 12): at its optimum
    /// theta K' - K + ln(1 + theta) = ln(1/delta).
    /// </summary>
    public double TiltForDelta(double delta)
    {
        var logDelta = Math.Log(Math.Max(1e-300, delta - Infinite));
        return Theta(t => LossMoments.Of(_parts, t) is var m ? (t * m.Mean) - m.Log + Math.Log(1 + t) + logDelta : 0);
    }

    /// <summary>The tilt of the same bound at an epsilon: K' + ln(theta/(1 + theta)) = epsilon.</summary>
    public double TiltForEpsilon(double epsilon) => Theta(t => LossMoments.Of(_parts, t).Mean + Math.Log(t / (1 + t)) - epsilon);

    /// <summary>How fine a lattice has to be for answers at this tilt, and can be.</summary>
    /// <remarks>
    /// In a cell of width h the chord lies at most theta (theta + 1) h^2/8 above the function e^(theta x) of e^-x, relatively; so T losses move epsilon by at most T (theta + 1) h^2/8. From below
    /// that holds if the middle half of a loss is wider than a few cells.
    /// </remarks>
    public double StepFor(double theta)
    {
        if (LossRange.Of(_parts, theta) is not { } range)
        {
            return _step;
        }

        var allowed = 1e-5 + (1e-4 * Math.Abs(LossMoments.Of(_parts, theta).Mean));
        var bulk = _parts.Where(part => part.Count * part.Grid.Bulk > allowed).Min(part => (double?)part.Grid.Bulk) ?? double.PositiveInfinity;
        var coarsest = Math.Min(0.5 / theta, Math.Min(0.25 * bulk, (range.Highest - range.Lowest) / FewestPoints));
        return Math.Max(Math.Min(Math.Sqrt(8 * allowed / (_count * (1 + theta))), coarsest), Math.Max(range.Highest - range.Lowest, _parts.Max(part => part.Grid.Upper.Length) * _step) / MostPoints);
    }

    /// <summary>delta at an epsilon.</summary>
    public Bracket DeltaAt(double epsilon)
    {
        var theta = TiltForEpsilon(epsilon);
        if (TiltedWindow.Of(_parts, theta, MassError * _count) is not var (above, below))
        {
            return new(_surelyInfinite, Infinite);
        }

        return new(below.DeltaAt(epsilon + _rise, _surelyInfinite, above: false), above.DeltaAt(epsilon - _rounding, Infinite, above: true));
    }

    /// <summary>epsilon at a delta above 0; infinite where the chance of an infinite loss alone is larger.</summary>
    public Bracket EpsilonAt(double delta)
    {
        if (Infinite >= delta)
        {
            return new(_surelyInfinite * (1 - 1e-12) > delta ? double.PositiveInfinity : 0, double.PositiveInfinity);
        }

        // What is not surely lost has finite losses.
        var (above, below) = TiltedWindow.Of(_parts, TiltForDelta(delta), MassError * _count)!.Value;
        var lower = below.EpsilonAt(delta, _surelyInfinite, above: false) - _rise;
        return new(Math.Max(0, lower), above.EpsilonAt(delta, Infinite, above: true) is > 0 and var upper ? upper + _rounding : 0);
    }

    private double AnyOf(Func<LossGrid, double> chance) => -Elementary.ExpMinusOne(_parts.Sum(part => part.Count * Elementary.LogOnePlus(-chance(part.Grid))));

    // A root of an increasing function of theta; between 1e-3 and what doubles can tilt.
    private double Theta(Func<double, double> increasing)
    {
        double low = 1e-3, high = 1;
        var widest = _parts.Max(part => Math.Max(Math.Abs(part.Grid.Origin), Math.Abs(part.Grid.Origin + (part.Grid.Upper.Length * _step))));
        var limit = Math.Min(600 / Math.Max(widest, 1e-3), LargestTilt / _step);
        while (high < limit && increasing(high) < 0)
        {
            (low, high) = (high, high * 2);
        }

        high = Math.Min(high, limit);
        low = Math.Min(low, high / 2);

        // Any tilt is sound; the best one need not be met exactly.
        for (var i = 0; i < 6; i++)
        {
            var middle = Math.Sqrt(low * high);
            (low, high) = increasing(middle) < 0 ? (middle, high) : (low, middle);
        }

        return low;
    }
}
