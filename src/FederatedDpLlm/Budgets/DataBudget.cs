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

    /// <summary>
    /// The epsilon that this budget had before it was raised. A data account is fixed at its start: more than that is accepted only by whoever states what the old promise was, since the new one covers everything that was ever
    /// answered.
    /// </summary>
    /// <value>Absent, unless the budget is raised.</value>
    public double? RaisedFrom { get; init; }

    /// <summary>Opens one block's account, or goes on with it. A lower budget is accepted; a higher one only with <see cref="RaisedFrom"/>.</summary>
    /// <param name="ledger">The hospital's.</param>
    /// <param name="account">Which block.</param>
    /// <param name="key">Where this budget stands in its file; errors name it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ConfigurationException">A value is out of its range, the budget was raised in silence, or the account counts in another currency or at another delta.</exception>
    public async Task OpenAsync(IBudgetLedger ledger, AccountId account, string key, CancellationToken cancellationToken)
    {
        var policy = ToPolicy(account, key);
        if (ledger.Find(account)?.Policy is { } before && before != policy)
        {
            if (before.Currency != policy.Currency)
            {
                throw new ConfigurationException(FormattableString.Invariant(
                    $"'{key}': the account {account} was opened as {before.Composition} at delta {before.Delta} and stays so; what it promised cannot be counted anew."));
            }

            if (policy.Budget > before.Budget && RaisedFrom != before.Epsilon)
            {
                throw new ConfigurationException(FormattableString.Invariant(
                    $"'{key}.epsilon' is {Epsilon}, but the account {account} was opened with {before.Epsilon}, and a data account is fixed at its start: whoever relied on {before.Epsilon} would be promised less. To raise it all the same, add 'raised_from: {before.Epsilon}'."));
            }
        }

        await ledger.EnsureAccountAsync(policy, cancellationToken);
    }

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
