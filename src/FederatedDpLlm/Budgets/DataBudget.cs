using FederatedDpLlm.Configuration;

namespace FederatedDpLlm.Budgets;

/// <summary>A hospital's data accounts: what anyone may ever learn about a patient of one block. They never refill; new patients bring new blocks.</summary>
public sealed record DataBudget
{
    /// <summary>Lifetime epsilon at <see cref="Delta"/>: 0 to 8,191.</summary>
    public required double Epsilon { get; init; }

    /// <value>Above 0, below 1. Default: 1e-6.</value>
    public double Delta { get; init; } = 1e-6;

    /// <summary><c>basic</c>, <c>advanced</c>, <c>zcdp</c> or <c>rdp</c>.</summary>
    /// <value>Default: zcdp.</value>
    public Composition Composition { get; init; } = Composition.Zcdp;

    /// <summary>The one order of <c>composition: rdp</c>, above 1; absent elsewhere.</summary>
    public double? RenyiOrder { get; init; }

    /// <summary>The policy of one block's account.</summary>
    /// <param name="account">Which block.</param>
    /// <param name="key">Where this budget stands in its file; errors name it.</param>
    /// <exception cref="ConfigurationException">A value is out of its range; the message names its key.</exception>
    public AccountPolicy ToPolicy(AccountId account, string key)
    {
        PolicyNumbers.CheckCurrency(key, Composition, Delta, RenyiOrder);
        PolicyNumbers.CheckEpsilon(key + ".epsilon", Epsilon);
        return new AccountPolicy(account, AccountKind.Data, Composition, Epsilon, Delta, ResetSchedule.Never, RenyiOrder);
    }
}
