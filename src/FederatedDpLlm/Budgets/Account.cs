namespace FederatedDpLlm.Budgets;

/// <summary>One account in one window. Changes make a new one; every sum is checked.</summary>
internal sealed record Account(AccountPolicy Policy, BudgetWindow Window, BudgetUnits Spent, BudgetUnits Reserved)
{
    public static Account Open(AccountPolicy policy, DateTimeOffset now) =>
        new(policy, BudgetWindow.At(policy.Reset, now), BudgetUnits.Zero, BudgetUnits.Zero);

    /// <summary>The account as it stands at <paramref name="now"/>: a window that has ended is followed by an empty one.</summary>
    public Account At(DateTimeOffset now) =>
        Window.HasEnded(now) ? this with { Window = BudgetWindow.At(Policy.Reset, now), Spent = BudgetUnits.Zero, Reserved = BudgetUnits.Zero } : this;

    public bool CanHold(BudgetUnits amount) => amount <= ToState().Remaining;

    public Account Hold(BudgetUnits amount) => this with { Reserved = Reserved + amount };

    /// <summary>Ends a hold. One that was made in an earlier window is charged there and leaves this window as it is.</summary>
    public Account Settle(Hold hold, BudgetUnits spent) =>
        hold.WindowStart == Window.StartsAt ? this with { Reserved = Reserved - hold.Amount, Spent = Spent + spent } : this;

    /// <summary>The policy changes, what was spent stays; a new schedule decides when this window ends, never that it starts afresh.</summary>
    /// <exception cref="InvalidOperationException">The new policy counts in another currency while something is spent or held in the old one.</exception>
    public Account Change(AccountPolicy policy, DateTimeOffset now)
    {
        if (policy.Kind != Policy.Kind)
        {
            throw new InvalidOperationException($"{policy.Id} is a {Policy.Kind} account and stays one.");
        }

        if (!policy.CountsLike(Policy) && (Spent.Value != 0 || Reserved.Value != 0))
        {
            throw new InvalidOperationException(
                $"{policy.Id} has spent in {Policy.Currency}; it cannot count in {policy.Currency} before its window ends{(Policy.Reset == ResetSchedule.Never ? " (never)" : string.Empty)}.");
        }

        var end = policy.Reset == Policy.Reset ? Window.EndsAt : BudgetWindow.At(policy.Reset, now).EndsAt;
        return this with { Policy = policy, Window = Window with { EndsAt = end } };
    }

    public AccountState ToState() => new(Policy, Policy.Budget, Spent, Reserved, Window.ResetsAt);
}
