namespace FederatedDpLlm.Budgets;

/// <summary>What a reservation came to. A refusal is an answer the caller must handle, not an exception.</summary>
/// <param name="AuditEntry">The index of the audit entry that says so, durable by now; null where the caller asks again and nothing is decided yet.</param>
public abstract record ReserveOutcome(long? AuditEntry)
{
    /// <summary>Every account holds the amount, durably. <paramref name="Accounts"/> are the accounts touched, after the hold.</summary>
    public sealed record Reserved(IReadOnlyList<AccountState> Accounts, long? AuditEntry) : ReserveOutcome(AuditEntry);

    /// <summary>Nothing was held. <paramref name="Account"/> is the first account, in the order asked, that could not hold <paramref name="Asked"/>.</summary>
    public sealed record Exhausted(AccountState Account, BudgetUnits Asked, long? AuditEntry) : ReserveOutcome(AuditEntry);

    /// <summary>
    /// The request id was seen before; nothing was held again. <paramref name="Settled"/> says whether it has ended, <paramref name="Returned"/> whether its
    /// hold was given back whole, so that surely nothing was drawn under it.
    /// </summary>
    public sealed record AlreadySeen(bool Settled, bool Returned, long? AuditEntry) : ReserveOutcome(AuditEntry);

    /// <summary>An account is unknown here. Fail closed.</summary>
    public sealed record UnknownAccount(AccountId Account, long? AuditEntry) : ReserveOutcome(AuditEntry);
}
