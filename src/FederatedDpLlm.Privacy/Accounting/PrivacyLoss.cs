using FederatedDpLlm.Privacy.Accounting.Losses;
using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// The tight accountant for plans that are fixed beforehand (a training run, a declared batch) and for reports: closed forms where they exist, else privacy loss
/// distributions convolved by Fourier transform. It always answers with a bracket.
/// </summary>
/// <remarks>
/// Not for live admission: a filter on this curve is not valid when costs are chosen adaptively (Tran, Koskela, Raisa, Honkela, arXiv:2602.06756). Gaussian parts collapse into one
/// before any grid. References: <see cref="LossGrid"/>, <see cref="LossComposition"/>, <see cref="GaussianProfile"/>.
/// </remarks>
public static class PrivacyLoss
{
    // Numerical slack of tails, grids and closed forms together, relative.
    private const double Slack = 1e-11;
    private const double Wide = 0.005;

    /// <summary>The smallest epsilon at a delta; both ends infinite where there is none.</summary>
    /// <param name="released">Everything that was released.</param>
    /// <param name="delta">May be 0: then only pure events have a finite answer.</param>
    /// <param name="interval">Grid step in nats; by default fine enough for the number of events.</param>
    /// <exception cref="UnaccountableEventException">A part has no known dominating pair.</exception>
    public static Bracket EpsilonAt(PrivacyEvent released, Delta delta, double? interval = null)
    {
        ArgumentNullException.ThrowIfNull(released);
        if (delta.Value == 0)
        {
            var pure = PureDp.EpsilonOf(released);
            return new(double.IsFinite(pure) ? 0 : pure, pure);
        }

        return Tightened(() => new LossPlan(released).EpsilonAt(delta, interval, Slack), [() => Renyi.EpsilonAt(released, delta), () => ConcentratedEpsilon(released, delta), () => Given(released, delta)], new(0, double.PositiveInfinity));
    }

    /// <summary>The smallest delta at an epsilon (which may be negative).</summary>
    /// <param name="released">Everything that was released.</param>
    /// <param name="epsilon">Finite.</param>
    /// <param name="interval">Grid step in nats; by default fine enough for the number of events.</param>
    /// <exception cref="UnaccountableEventException">A part has no known dominating pair.</exception>
    public static Bracket DeltaAt(PrivacyEvent released, double epsilon, double? interval = null)
    {
        ArgumentNullException.ThrowIfNull(released);
        if (!double.IsFinite(epsilon))
        {
            throw new ArgumentOutOfRangeException(nameof(epsilon), epsilon, "Epsilon is finite here.");
        }

        return Tightened(() => new LossPlan(released).DeltaAt(epsilon, interval, Slack), [() => RenyiCurve.Of(released).DeltaAt(epsilon)], new(0, 1));
    }

    /// <summary>The lattice step that is used where none is asked for.</summary>
    internal static double Interval(PrivacyEvent released, Delta delta) => new LossPlan(released).StepFor(delta.Value);

    // Where the bracket is wide (a lattice that cannot be fine enough for very many releases, a dominating pair that is no single mechanism's), bounds by moments may be the better end of it.
    private static Bracket Tightened(Func<Bracket> compute, Func<double>[] bounds, Bracket nothing)
    {
        Bracket bracket;
        try
        {
            bracket = compute();
        }
        catch (ArithmeticException)
        {
            bracket = nothing;
        }

        // Where every intermediate result overflows there is no bracket either.
        bracket = bracket.Lower <= bracket.Upper ? bracket : nothing;
        if (bracket.Lower >= (1 - Wide) * bracket.Upper)
        {
            return bracket;
        }

        var bound = bounds.Min(Known);
        return new(Math.Min(bracket.Lower, bound), Math.Min(bracket.Upper, bound));
    }

    private static double Known(Func<double> bound)
    {
        try
        {
            return bound();
        }
        catch (UnaccountableEventException)
        {
            return double.PositiveInfinity;
        }
    }

    private static double ConcentratedEpsilon(PrivacyEvent released, Delta delta) =>
        ZeroConcentrated.RhoOf(released) is var rho && double.IsFinite(rho) ? ZeroConcentrated.EpsilonAt(new(rho), delta) : double.PositiveInfinity;

    // A guarantee at just its own delta: the slack of what is computed would take it for less.
    private static double Given(PrivacyEvent released, Delta delta) => released is ApproximateEvent given && given.Delta.Value <= delta.Value ? given.Epsilon.Value : double.PositiveInfinity;

    /// <summary>delta at one epsilon for one direction of a single event, exactly but for rounding.</summary>
    internal static double DirectedDelta(PrivacyEvent single, double epsilon, bool remove) =>
        PairsOf.Event(single) is var (with, without) ? (remove ? with : without).DeltaAt(epsilon) : double.NaN;
}
