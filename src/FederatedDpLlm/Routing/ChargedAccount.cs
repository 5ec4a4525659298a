using FederatedDpLlm.Budgets;

namespace FederatedDpLlm.Routing;

/// <summary>One account of an answer, as its caller sees it. Amounts are in the account's own currency.</summary>
/// <param name="Id">The account.</param>
/// <param name="Kind">Quota or data.</param>
/// <param name="Currency">What the amounts count: epsilon, rho, ...</param>
/// <param name="Charged">By this answer.</param>
/// <param name="Remaining">After it.</param>
/// <param name="ResetsAt">Null where it never refills.</param>
public sealed record ChargedAccount(string Id, AccountKind Kind, string Currency, BudgetUnits Charged, BudgetUnits Remaining, DateTimeOffset? ResetsAt);
