using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// Epsilons that add up, all at one delta. A pure event costs its epsilon; another costs g(rho) = epsilon(rho, delta) - ln(1 - delta), where
/// epsilon(rho, delta) is the conversion of Canonne, Kamath and Steinke.
/// </summary>
/// <remarks>
/// Why costs at one delta may be added (in general k events at delta hold at k delta together): the conversion is a minimum of functions linear in rho, so it is
/// concave, and g(0) = 0; hence g(rho1 + rho2) is at most g(rho1) + g(rho2), and the sum of costs bounds the epsilon of the summed rho at the same delta. A budget
/// on it is stricter than the zCDP filter with rho = g^-1(budget), which is valid for adaptively chosen events. Pure events beside them add by basic composition.
/// </remarks>
internal sealed class BasicCurrency(Delta delta) : Currency(delta)
{
    private readonly double _offset = -Elementary.LogOnePlus(-delta.Value) * (1 + (2 * Elementary.RelativeError));

    public override double CostOf(PrivacyEvent released) => Math.Min(PureDp.EpsilonOf(released), OfRho(Accounting.ZeroConcentrated.RhoOf(released)));

    public override double BudgetFor(Epsilon epsilon) => epsilon.Value;

    public override double EpsilonOf(double spent) => Require.NotNegative(spent);

    /// <summary>The largest rho that costs at most <paramref name="epsilon"/>.</summary>
    public Rho RhoFor(Epsilon epsilon) => Accounting.ZeroConcentrated.LargestRho(epsilon.Value - _offset, Delta, rho => OfRho(rho.Value) <= epsilon.Value);

    private double OfRho(double rho) =>
        rho == 0 ? 0
        : double.IsInfinity(rho) ? rho
        : Math.Max(0, Rounded.AddUp(Accounting.ZeroConcentrated.UnclampedEpsilonAt(new(rho), Delta), _offset));
}
