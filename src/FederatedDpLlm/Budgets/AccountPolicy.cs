using System.Globalization;

namespace FederatedDpLlm.Budgets;

/// <summary>What an account may spend, in which currency, and when it refills.</summary>
public sealed record AccountPolicy
{
    /// <param name="id">The account.</param>
    /// <param name="kind">Quota (policy) or data (guarantee).</param>
    /// <param name="composition">The currency in which costs add up.</param>
    /// <param name="epsilon">The budget as people read it: epsilon at <paramref name="delta"/>, between 0 and 8,191.</param>
    /// <param name="delta">The policy's delta; fixed for the account, never per request. Above 0, below 1.</param>
    /// <param name="reset">When the window ends; a data account never resets.</param>
    /// <param name="renyiOrder">The one order of an <see cref="Composition.Rdp"/> account, above 1; null elsewhere.</param>
    /// <exception cref="ArgumentException">A data account that resets, or a number out of its range.</exception>
    public AccountPolicy(AccountId id, AccountKind kind, Composition composition, double epsilon, double delta, ResetSchedule reset, double? renyiOrder = null)
    {
        if (kind == AccountKind.Data && reset != ResetSchedule.Never)
        {
            throw new ArgumentException($"{id} is a data account: it never resets. A refill would erase what patients have already lost.", nameof(reset));
        }

        Id = id;
        Kind = kind;
        Epsilon = epsilon;
        Reset = reset;
        Currency = new AccountCurrency(composition, delta, renyiOrder);
        Budget = Currency.BudgetOf(epsilon);
    }

    public AccountId Id { get; init; }

    public AccountKind Kind { get; }

    public AccountCurrency Currency { get; }

    /// <summary>The budget as people read it, at <see cref="Delta"/>.</summary>
    public double Epsilon { get; }

    public ResetSchedule Reset { get; }

    /// <summary>The budget as the ledger counts it: <see cref="Epsilon"/> in the account's currency, rounded down; a policy may state it exactly.</summary>
    public BudgetUnits Budget { get; init; }

    public Composition Composition => Currency.Composition;

    public double Delta => Currency.Delta;

    /// <summary>Whether amounts of the two policies can be added to each other.</summary>
    internal bool CountsLike(AccountPolicy other) => Currency == other.Currency;

    /// <summary>The policy as its audit entry states it: all that a later recomputation of the account needs.</summary>
    internal Dictionary<string, string> ToDetails(BudgetWindow window) => new(StringComparer.Ordinal)
    {
        ["account"] = Id.Value,
        ["kind"] = Kind.ToString(),
        ["composition"] = Composition.ToString(),
        ["epsilon"] = Epsilon.ToString("R", CultureInfo.InvariantCulture),
        ["delta"] = Delta.ToString("R", CultureInfo.InvariantCulture),
        ["renyiOrder"] = Currency.RenyiOrder?.ToString("R", CultureInfo.InvariantCulture) ?? string.Empty,
        ["reset"] = Reset.ToString(),
        ["budgetUnits"] = Budget.Value.ToString(CultureInfo.InvariantCulture),
        ["windowStart"] = window.StartsAt.ToString(CultureInfo.InvariantCulture),
    };
}
