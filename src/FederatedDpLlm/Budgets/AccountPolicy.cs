namespace FederatedDpLlm.Budgets;

/// <summary>What an account may spend, in which currency, and when it refills.</summary>
/// <param name="Id">The account.</param>
/// <param name="Kind">Quota (policy) or data (guarantee).</param>
/// <param name="Composition">The currency in which costs add up.</param>
/// <param name="Epsilon">The budget as people read it: epsilon at <paramref name="Delta"/>.</param>
/// <param name="Delta">The policy's delta; fixed for the account, never per request.</param>
/// <param name="Reset">When the window ends; a data account never resets.</param>
public sealed record AccountPolicy(AccountId Id, AccountKind Kind, Composition Composition, double Epsilon, double Delta, ResetSchedule Reset);
