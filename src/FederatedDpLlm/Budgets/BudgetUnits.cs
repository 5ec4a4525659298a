namespace FederatedDpLlm.Budgets;

/// <summary>
/// An amount on an account, in units of 2^-50 of its currency, as a checked signed 64-bit integer (range 8,191). Costs are rounded up, budgets down;
/// no floating-point number is ever added on the ledger's path.
/// </summary>
public readonly record struct BudgetUnits(long Value) : IComparable<BudgetUnits>
{
    public const int FractionBits = 50;
    private const double One = 1L << FractionBits;

    public static BudgetUnits Zero => default;

    /// <summary>The smallest amount that is at least <paramref name="cost"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, infinite, not a number, or above 8,191.</exception>
    public static BudgetUnits OfCost(double cost) => new(Scale(cost, Math.Ceiling));

    /// <summary>The largest amount that is at most <paramref name="budget"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, infinite, not a number, or above 8,191.</exception>
    public static BudgetUnits OfBudget(double budget) => new(Scale(budget, Math.Floor));

    public static BudgetUnits operator +(BudgetUnits left, BudgetUnits right) => new(checked(left.Value + right.Value));

    public static BudgetUnits operator -(BudgetUnits left, BudgetUnits right) => new(checked(left.Value - right.Value));

    public static bool operator <(BudgetUnits left, BudgetUnits right) => left.Value < right.Value;

    public static bool operator >(BudgetUnits left, BudgetUnits right) => left.Value > right.Value;

    public static bool operator <=(BudgetUnits left, BudgetUnits right) => left.Value <= right.Value;

    public static bool operator >=(BudgetUnits left, BudgetUnits right) => left.Value >= right.Value;

    public int CompareTo(BudgetUnits other) => Value.CompareTo(other.Value);

    /// <summary>For people's eyes; never added up.</summary>
    public double ToDouble() => Value / One;

    // Scaling by a power of two is exact in binary64, so the only rounding is the one asked for.
    private static long Scale(double amount, Func<double, double> round)
    {
        if (!double.IsFinite(amount) || amount < 0 || amount > 8191)
        {
            throw new ArgumentOutOfRangeException(nameof(amount), amount, "An amount on an account is a finite number between 0 and 8191.");
        }

        return (long)round(amount * One);
    }
}
