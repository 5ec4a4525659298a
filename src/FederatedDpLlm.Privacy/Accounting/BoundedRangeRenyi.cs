using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// The exact worst Renyi divergence of a mechanism with bounded range eta: the supremum over t in [0, eta] for two outcomes whose log ratios are t and
/// t - eta (Dong, Durfee, Rogers, arXiv:1909.13830, show that these are the worst pairs).
/// </summary>
/// <remarks>
/// With r = expm1(eta)/expm1(alpha eta), the supremum lies at t = eta - ln(alpha/(alpha-1) (1 - r)) and is t + (ln((1-e^(-alpha eta))/(1-e^(-eta))) - ln alpha)/(alpha-1).
/// </remarks>
internal static class BoundedRangeRenyi
{
    public static double Divergence(double eta, double order)
    {
        if (eta == 0)
        {
            return 0;
        }

        // alpha eta^2/8 (zCDP) and eta (pure epsilon) always hold; the closed form is the least of the three but for its own rounding.
        var simple = Math.Min(eta, Rounded.MultiplyUp(order, ZeroConcentrated.OfBoundedRange(eta)));
        if (double.IsPositiveInfinity(order) || order * eta > 700)
        {
            return simple;
        }

        var exact = order == 1 ? KullbackLeibler(eta) : ClosedForm(eta, order);
        return Math.Min(simple, exact);
    }

    /// <summary>The published bound D1 + (alpha - 1) eta^2/8, at most eta (Cesar, Rogers, arXiv:2004.07223): simpler, and above <see cref="Divergence"/>.</summary>
    public static double LinearBound(double eta, double order) =>
        eta == 0 ? 0 : Math.Min(eta, KullbackLeibler(eta) + Rounded.MultiplyUp(order - 1, ZeroConcentrated.OfBoundedRange(eta)));

    private static double KullbackLeibler(double eta)
    {
        var ratio = eta / Elementary.ExpMinusOne(eta);
        return ratio - 1 - Math.Log(ratio) + (8 * Elementary.RelativeError * (1 + eta));
    }

    private static double ClosedForm(double eta, double order)
    {
        var excess = order - 1;
        var ratio = Elementary.ExpMinusOne(eta) / Elementary.ExpMinusOne(order * eta);
        var shift = eta - Math.Log(order / excess * (1 - ratio));
        var spread = Math.Log(Elementary.ExpMinusOne(-order * eta) / Elementary.ExpMinusOne(-eta) / order) / excess;

        // Near order 1 both logarithms lose digits in proportion to 1/(alpha-1).
        return shift + spread + (16 * Elementary.RelativeError * (1 + eta) * (1 + (1 / excess)));
    }
}
