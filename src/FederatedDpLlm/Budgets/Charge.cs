namespace FederatedDpLlm.Budgets;

/// <summary>An amount, in the account's own currency, on one account.</summary>
public readonly record struct Charge(AccountId Account, BudgetUnits Amount);
