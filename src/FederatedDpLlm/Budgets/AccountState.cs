namespace FederatedDpLlm.Budgets;

/// <summary>One account as it stands: the integers are the truth, everything shown in epsilon is derived from them.</summary>
/// <param name="Policy">The policy in force.</param>
/// <param name="Budget">The window's budget in the account's currency.</param>
/// <param name="Spent">Committed in this window.</param>
/// <param name="Reserved">Held by requests that have not settled.</param>
/// <param name="ResetsAt">The end of the window; null where the account never refills.</param>
public sealed record AccountState(AccountPolicy Policy, BudgetUnits Budget, BudgetUnits Spent, BudgetUnits Reserved, DateTimeOffset? ResetsAt)
{
    /// <summary>What a new reservation may take: budget less spent less reserved; 0 where a lowered policy left less than nothing.</summary>
    public BudgetUnits Remaining => new(Math.Max(0, (Budget - Spent - Reserved).Value));
}
