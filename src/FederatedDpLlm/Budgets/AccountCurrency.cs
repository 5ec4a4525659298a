using System.Globalization;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Budgets;

/// <summary>
/// What an account's integers count: the unit of a <see cref="Currency"/> of the privacy core, in steps of 2^-50, costs rounded up and budgets down.
/// Amounts of two policies add up only where their currencies are equal.
/// </summary>
public sealed record AccountCurrency
{
    /// <param name="composition">How costs add up.</param>
    /// <param name="delta">The delta at which the account is read as an epsilon; above 0, below 1.</param>
    /// <param name="renyiOrder">The one order of an <see cref="Composition.Rdp"/> account, above 1; null elsewhere.</param>
    /// <exception cref="ArgumentException">A number is out of its range, or an order is missing or out of place.</exception>
    public AccountCurrency(Composition composition, double delta, double? renyiOrder = null)
    {
        if (!(delta > 0 && delta < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(delta), delta, "An account's delta is above 0 and below 1.");
        }

        if (composition == Composition.Rdp ? renyiOrder is not (> 1 and < double.PositiveInfinity) : renyiOrder is not null)
        {
            throw new ArgumentException("An account of composition rdp, and no other, names its one Renyi order, a finite number above 1.", nameof(renyiOrder));
        }

        Composition = composition;
        Delta = delta;
        RenyiOrder = renyiOrder;
    }

    public Composition Composition { get; }

    public double Delta { get; }

    public double? RenyiOrder { get; }

    private Currency Mathematics => Composition switch
    {
        Composition.Basic => Currency.Basic(new Delta(Delta)),
        Composition.Advanced => Currency.Advanced(new Delta(Delta)),
        Composition.Zcdp => Currency.ZeroConcentrated(new Delta(Delta)),
        _ => Currency.Renyi(new RenyiOrder(RenyiOrder!.Value), new Delta(Delta)),
    };

    /// <summary>What an event takes from an account, rounded up.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No budget suffices (the cost is infinite or above 8,191).</exception>
    /// <exception cref="UnaccountableEventException">This currency has no bound for the event.</exception>
    public BudgetUnits CostOf(PrivacyEvent released) => BudgetUnits.OfCost(Mathematics.CostOf(released));

    /// <summary>The most that may be spent under a promise of <paramref name="epsilon"/> at <see cref="Delta"/>, rounded down.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, infinite, not a number, or above 8,191 in this currency.</exception>
    public BudgetUnits BudgetOf(double epsilon) => BudgetUnits.OfBudget(Mathematics.BudgetFor(new Epsilon(epsilon)));

    /// <summary>What a sum of units means as an epsilon at <see cref="Delta"/>, rounded up: what was spent, for people's eyes.</summary>
    public double EpsilonOf(BudgetUnits spent) => Mathematics.EpsilonOf(spent.ToDouble());

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Composition switch { Composition.Basic => "basic", Composition.Advanced => "advanced", Composition.Zcdp => "zcdp", _ => "rdp of order " + RenyiOrder }} at delta {Delta:R}");
}
