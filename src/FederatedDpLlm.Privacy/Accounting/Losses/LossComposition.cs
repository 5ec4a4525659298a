using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>
/// The distribution of the sum of many losses, from above and from below at once, tilted towards the epsilon of interest: masses are multiplied by e^(theta x) before and divided by it after,
/// so that rounding errors are relative to the tail that is asked for and not to 1.
/// </summary>
/// <remarks>
/// Koskela, Jalko, Honkela, arXiv:1906.03049 (Fourier accounting); Gopi, Lee, Wutschitz, arXiv:2106.02848; tilting is the saddle point of Alghamdi et al., arXiv:2208.09595.
/// The window holds all but 2e-16 of the tilted mass on each side (Chernoff), and what leaves it is charged.
/// </remarks>
internal sealed class LossComposition
{
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
        _rounding = _parts.Sum(part => part.Count * ((4e-16 * (Math.Abs(part.Grid.Origin) + (part.Grid.Upper.Length * _step))) + part.Grid.Nudge));
        _rise = _parts.Sum(part => part.Count * part.Grid.Rise) + _rounding;
        _surelyInfinite = AnyOf(grid => grid.SurelyInfinite);
        Infinite = AnyOf(grid => grid.Infinite);
    }

    /// <summary>The chance of an infinite loss, from above.</summary>
    public double Infinite { get; }

    /// <summary>delta at an epsilon.</summary>
    public Bracket DeltaAt(double epsilon)
    {
        var theta = Theta(t => LossMoments.Of(_parts, t).Mean + Math.Log(t / (1 + t)) - epsilon);
        var (above, below) = TiltedWindow.Of(_parts, theta);
        var upper = above.DeltaAt(epsilon - _rounding, Infinite, above: true);
        var miss = Math.Max(upper * 1e-3, 1e-300);
        return new(
            Math.Max(below.DeltaAt(epsilon + _rise, _surelyInfinite, above: false), above.DeltaAt(epsilon + LargestShift(miss), 0, above: false) - miss), upper);
    }

    /// <summary>epsilon at a delta above 0; infinite where the chance of an infinite loss alone is larger.</summary>
    public Bracket EpsilonAt(double delta)
    {
        if (Infinite >= delta)
        {
            return new(_surelyInfinite * (1 - 1e-12) > delta ? double.PositiveInfinity : 0, double.PositiveInfinity);
        }

        // The best bound delta <= e^(K(theta) - theta epsilon) theta^theta/(1+theta)^(1+theta) (Canonne, Kamath, Steinke, Proposition 12): at its optimum
        // theta K' - K + ln(1 + theta) = ln(1/delta).
        var logDelta = Math.Log(delta - Infinite);
        var theta = Theta(t => LossMoments.Of(_parts, t) is var m ? (t * m.Mean) - m.Log + Math.Log(1 + t) + logDelta : 0);
        var (above, below) = TiltedWindow.Of(_parts, theta);
        var miss = delta * 1e-3;
        var lower = Math.Max(below.EpsilonAt(delta, _surelyInfinite, above: false) - _rise, above.EpsilonAt(delta + miss, 0, above: false) - LargestShift(miss));
        return new(Math.Max(0, lower), above.EpsilonAt(delta, Infinite, above: true) is > 0 and var upper ? upper + _rounding : 0);
    }

    private double AnyOf(Func<LossGrid, double> chance) => -Elementary.ExpMinusOne(_parts.Sum(part => part.Count * Elementary.LogOnePlus(-chance(part.Grid))));

    // How far the lattice moved the summed loss up, but for a chance of "miss": each single loss moves by at most a step either way, and by MeanShift on average
    // (Hoeffding's inequality). So delta at epsilon is at least the lattice's at epsilon + this shift, less the miss. Better than the contraction only for few, widely spaced losses.
    private double LargestShift(double miss) => _parts.Sum(part => part.Count * part.Grid.MeanShift) + (_step * Math.Sqrt(2 * _count * -Math.Log(miss))) + _rounding;

    // A root of an increasing function of theta; between 1e-3 and what doubles can tilt.
    private double Theta(Func<double, double> increasing)
    {
        double low = 1e-3, high = 1;
        var widest = _parts.Max(part => Math.Max(Math.Abs(part.Grid.Origin), Math.Abs(part.Grid.Origin + (part.Grid.Upper.Length * _step))));
        var limit = 600 / Math.Max(widest, 1e-3);
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
