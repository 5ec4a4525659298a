namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>rho that adds up: see <see cref="Accounting.ZeroConcentrated"/> for the theorems.</summary>
internal sealed class ZeroConcentratedCurrency(Delta delta) : Currency(delta)
{
    public override double CostOf(PrivacyEvent released) => Accounting.ZeroConcentrated.RhoOf(released);

    public override double BudgetFor(Epsilon epsilon) => Accounting.ZeroConcentrated.RhoFor(epsilon, Delta).Value;

    public override double EpsilonOf(double spent) => Accounting.ZeroConcentrated.EpsilonAt(new(spent), Delta);
}
