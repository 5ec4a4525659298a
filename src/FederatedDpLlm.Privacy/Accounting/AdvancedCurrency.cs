using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// Epsilons squared that add up: a sum S means epsilon = sqrt(2 ln(1/delta) S) + S/2 (Whitehouse, Ramdas, Rogers, Wu, ICML 2023, arXiv:2203.05481, Theorem 1,
/// for pure events). That formula is Bun and Steinke's reading of rho = S/2, so an event of known rho costs 2 rho, never more than its epsilon squared.
/// </summary>
/// <remarks>Not the theorem of Dwork, Rothblum and Vadhan, whose epsilons must be fixed beforehand: as a stopping rule that one is unsound (Rogers et al., arXiv:1605.08294).</remarks>
internal sealed class AdvancedCurrency(Delta delta) : Currency(delta)
{
    public override double CostOf(PrivacyEvent released) => 2 * Accounting.ZeroConcentrated.RhoOf(released);

    public override double BudgetFor(Epsilon epsilon)
    {
        // sqrt(S) = sqrt(2L + 2 epsilon) - sqrt(2L), written without cancellation; 0 at delta 0.
        var log = -2 * Math.Log(Delta.Value);
        var root = 2 * epsilon.Value / (Math.Sqrt(log + (2 * epsilon.Value)) + Math.Sqrt(log));
        var budget = root * root * (1 - (8 * Elementary.RelativeError));
        return budget > 0 && EpsilonOf(budget) > epsilon.Value ? budget * (1 - (64 * Elementary.RelativeError)) : budget;
    }

    public override double EpsilonOf(double spent)
    {
        Require.NotNegative(spent);
        return spent == 0 ? 0 : (Math.Sqrt(-2 * Math.Log(Delta.Value) * spent) + (spent / 2)) * (1 + (4 * Elementary.RelativeError));
    }
}
