namespace FederatedDpLlm.Budgets;

/// <summary>How a reservation ended: the accounts touched, after it, and the index of its audit entry.</summary>
public sealed record Settlement(IReadOnlyList<AccountState> Accounts, long AuditEntry);
