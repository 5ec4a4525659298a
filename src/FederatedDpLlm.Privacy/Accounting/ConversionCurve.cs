using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// The conversion of Canonne, Kamath, Steinke (arXiv:2004.00010, Corollary 13) as a curve in the excess order a = alpha - 1:
/// epsilon(rho, a) = (1+a) rho + (ln(1/delta) - ln(1+a))/a + ln(a/(1+a)). It holds at every a; the best a solves a^2 rho = ln(1/delta) - ln(1+a).
/// </summary>
internal static class ConversionCurve
{
    /// <summary>epsilon at one excess order, rounded up: sound wherever the order came from.</summary>
    public static double EpsilonAt(double rho, double excessOrder, double delta) =>
        EpsilonOfRenyi(Rounded.MultiplyUp(Rounded.AddUp(1, excessOrder), rho), excessOrder, delta);

    /// <summary>epsilon from a Renyi divergence at the order 1 + <paramref name="excessOrder"/>, rounded up (Proposition 12 there). May be negative.</summary>
    public static double EpsilonOfRenyi(double divergence, double excessOrder, double delta) => divergence + Surcharge(excessOrder, delta, divergence);

    /// <summary>The largest Renyi divergence at that order that still gives <paramref name="epsilon"/>, rounded down. May be negative.</summary>
    public static double RenyiFor(double epsilon, double excessOrder, double delta) => epsilon - Surcharge(excessOrder, delta, epsilon);

    public static double RhoAt(double excessOrder, double delta) =>
        (-Math.Log(delta) - Elementary.LogOnePlus(excessOrder)) / (excessOrder * excessOrder);

    /// <summary>The best a for a given rho above 0.</summary>
    public static double ExcessOrderAtRho(double rho, double delta) =>
        Math.Exp(Root(x => RhoAt(Math.Exp(x), delta) - rho, -Math.Log(delta), delta));

    /// <summary>The a at which the curve's best epsilon is the given one: (1 + 2a) rho(a) + ln(a/(1+a)).</summary>
    public static double ExcessOrderAtEpsilon(double epsilon, double delta) =>
        Math.Exp(Root(x => BestEpsilonAt(Math.Exp(x), delta) - epsilon, -Math.Log(delta), delta));

    private static double BestEpsilonAt(double a, double delta) => ((1 + (2 * a)) * RhoAt(a, delta)) - Elementary.LogOnePlus(1 / a);

    // What the conversion adds, with its own rounding error (a few units in the last place of each term) and that of the caller's addition on top.
    private static double Surcharge(double a, double delta, double other)
    {
        var log = -Math.Log(delta);
        var first = (log - Elementary.LogOnePlus(a)) / a;
        var second = -Elementary.LogOnePlus(1 / a);
        var magnitude = ((log + Elementary.LogOnePlus(a)) / a) - second + Math.Abs(other);
        return first + second + (2 * Elementary.RelativeError * magnitude);
    }

    // Both functions fall from +infinity to below 0 as x = ln a runs from -infinity to ln(1/delta) (where 1 + a > 1/delta makes rho negative).
    // Bisection to neighbouring doubles would waste time: 60 halvings of a bracket of at most ~1500 leave 1e-15, and any a is sound.
    private static double Root(Func<double, double> falling, double high, double delta)
    {
        var low = -800.0;
        high = Math.Max(high, 1);
        for (var i = 0; i < 64; i++)
        {
            var middle = (low + high) / 2;
            if (falling(middle) > 0)
            {
                low = middle;
            }
            else
            {
                high = middle;
            }
        }

        return (low + high) / 2;
    }
}
