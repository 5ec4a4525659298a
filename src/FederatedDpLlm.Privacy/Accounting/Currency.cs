namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// The one unit in which an account adds costs up: a cost per event (rounded up), a budget for a promised (epsilon, delta) (rounded down), and what a sum means
/// as epsilon at the account's delta (rounded up). Costs add; a sum kept at or below the budget keeps the promise, also where each event was chosen after seeing
/// the releases before it.
/// </summary>
/// <remarks>
/// Theorems: <see cref="BasicCurrency"/>, <see cref="AdvancedCurrency"/>, <see cref="ZeroConcentratedCurrency"/>, <see cref="RenyiCurrency"/>.
/// A cost depends on the event alone, never on data. An infinite cost means that no budget suffices.
/// </remarks>
public abstract class Currency
{
    private protected Currency(Delta delta) => Delta = delta;

    /// <summary>The account's delta; fixed for its life.</summary>
    public Delta Delta { get; }

    /// <summary>Sums of epsilon at <paramref name="delta"/>.</summary>
    public static Currency Basic(Delta delta) => new BasicCurrency(delta);

    /// <summary>Sums of epsilon squared, read by the filter formula of Whitehouse, Ramdas, Rogers and Wu.</summary>
    public static Currency Advanced(Delta delta) => new AdvancedCurrency(delta);

    /// <summary>Sums of rho.</summary>
    public static Currency ZeroConcentrated(Delta delta) => new ZeroConcentratedCurrency(delta);

    /// <summary>Sums of Renyi divergence at one order; it must be fixed before the first event.</summary>
    public static Currency Renyi(RenyiOrder order, Delta delta) => new RenyiCurrency(order, delta);

    /// <summary>Sums of Renyi divergence at the order that is best for many small Gaussian-like events adding up to <paramref name="budget"/>.</summary>
    public static Currency Renyi(Epsilon budget, Delta delta) =>
        new RenyiCurrency(new(1 + ConversionCurve.ExcessOrderAtEpsilon(budget.Value, delta.Value)), delta);

    /// <summary>What an event costs: at least 0, rounded up, possibly infinite.</summary>
    /// <exception cref="UnaccountableEventException">This currency has no bound for the event.</exception>
    public abstract double CostOf(PrivacyEvent released);

    /// <summary>The largest sum of costs that keeps (epsilon, delta): at least 0, rounded down.</summary>
    public abstract double BudgetFor(Epsilon epsilon);

    /// <summary>The epsilon at <see cref="Delta"/> that a sum of costs means: at least 0, rounded up, possibly infinite.</summary>
    /// <param name="spent">At least 0.</param>
    public abstract double EpsilonOf(double spent);
}
