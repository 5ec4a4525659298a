namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// Admits events, each chosen after seeing the releases before it, as long as their costs fit a budget fixed beforehand. Sums are integers in units of 2^-50, costs rounded up and the
/// budget down; a check takes no longer however many events were admitted. Not safe for concurrent use: the durable ledger is.
/// </summary>
/// <remarks>
/// Which theorem makes it valid is the currency's business: pure epsilon and the Whitehouse formula (ICML 2023), rho and one Renyi order (Feldman, Zrnic, arXiv:2008.11193), mu^2
/// (Smith, Thakurta, arXiv:2210.17520). A privacy-loss filter is not offered: it is unsound for adaptively chosen costs (arXiv:2602.06756). Read as an odometer, <see cref="EpsilonSpent"/> is
/// valid at the time the filter stops, not at any time that the analyst picks by looking at it: for that there is <see cref="PrivacyOdometer"/>.
/// </remarks>
public sealed class PrivacyFilter
{
    private const int FractionBits = 50;
    private const double LargestAmount = 8191;
    private readonly Func<double, double> _epsilonOf;
    private readonly long _budget;
    private long _spent;

    private PrivacyFilter(double budget, Func<double, double> epsilonOf)
    {
        _budget = (long)Math.Floor(Math.ScaleB(Math.Min(budget, LargestAmount), FractionBits));
        _epsilonOf = epsilonOf;
    }

    /// <summary>A filter that promises (epsilon, delta), with delta that of the currency.</summary>
    public static PrivacyFilter For(Currency currency, Epsilon epsilon)
    {
        ArgumentNullException.ThrowIfNull(currency);
        return new(currency.BudgetFor(epsilon), currency.EpsilonOf) { Cost = currency.CostOf };
    }

    /// <summary>Pure epsilons that add up to at most <paramref name="epsilon"/>, at delta 0 (Rogers, Roth, Ullman, Vadhan, arXiv:1605.08294).</summary>
    public static PrivacyFilter Pure(Epsilon epsilon) => new(epsilon.Value, spent => spent) { Cost = PureDp.EpsilonOf };

    /// <summary>Gaussian releases whose mu^2 add up to what (epsilon, delta) allows: the tight filter for Gaussian noise alone.</summary>
    public static PrivacyFilter Gaussian(Epsilon epsilon, Delta delta)
    {
        var mu = GaussianProfile.MuFor(epsilon, delta);
        return new(mu * mu * (1 - 1e-15), spent => GaussianProfile.EpsilonAt(Math.Sqrt(spent), delta)) { Cost = SquaredMu };
    }

    /// <summary>What an event costs in this filter's unit.</summary>
    public required Func<PrivacyEvent, double> Cost { get; init; }

    /// <summary>epsilon of what was admitted, at the filter's delta.</summary>
    public double EpsilonSpent => _epsilonOf(Math.ScaleB(_spent, -FractionBits));

    /// <summary>Admits and charges the event, or refuses it and changes nothing.</summary>
    public bool TryAdmit(PrivacyEvent released) => TryAdmit(Cost(released));

    /// <summary>As <see cref="TryAdmit(PrivacyEvent)"/>, for a cost computed before. Negative and undefined costs are refused.</summary>
    public bool TryAdmit(double cost)
    {
        if (!(cost >= 0 && cost <= LargestAmount))
        {
            return false;
        }

        var units = (long)Math.Ceiling(Math.ScaleB(cost, FractionBits));
        if (units > _budget - _spent)
        {
            return false;
        }

        _spent += units;
        return true;
    }

    // Up by more than the rounding of the squares; a number of releases that no integer holds is no less than one that is rounded up.
    private static double SquaredMu(PrivacyEvent released) => released switch
    {
        ZeroEvent or RepeatedEvent { Count: 0 } => 0,
        RepeatedEvent repeated => Numerics.Rounded.MultiplyUp(SquaredMu(repeated.Part), Numerics.Rounded.OfUp(repeated.Count)),
        ComposedEvent composed => composed.Parts.Aggregate(0.0, (sum, part) => Numerics.Rounded.AddUp(sum, SquaredMu(part))),
        _ => (GaussianParts.SquaredMu(released) ?? throw new UnaccountableEventException("The Gaussian filter", released)) * (1 + 1e-14),
    };
}
