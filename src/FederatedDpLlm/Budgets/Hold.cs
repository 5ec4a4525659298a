namespace FederatedDpLlm.Budgets;

/// <summary>An amount held on an account, in the window where it was held: that is where it will be charged.</summary>
internal readonly record struct Hold(AccountId Account, long WindowStart, BudgetUnits Amount);
