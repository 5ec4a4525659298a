namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// Renyi divergence of one order that adds up. One fixed order is a valid filter (Feldman, Zrnic, arXiv:2008.11193, their Renyi filter); "some order still fits" is not
/// without an argument of its own.
/// </summary>
internal sealed class RenyiCurrency(RenyiOrder order, Delta delta) : Currency(delta)
{
    private readonly double _excess = order.Value - 1 is > 0 and < double.PositiveInfinity
        ? order.Value - 1
        : throw new ArgumentOutOfRangeException(nameof(order), order, "An account's Renyi order is above 1 and finite.");

    public override double CostOf(PrivacyEvent released) => Accounting.Renyi.DivergenceOf(released, order);

    public override double BudgetFor(Epsilon epsilon) =>
        Math.Max(0, ConversionCurve.RenyiFor(epsilon.Value, _excess, Delta.Value));

    public override double EpsilonOf(double spent)
    {
        Require.NotNegative(spent);
        return spent == 0 ? 0 : Math.Max(0, ConversionCurve.EpsilonOfRenyi(spent, _excess, Delta.Value));
    }
}
