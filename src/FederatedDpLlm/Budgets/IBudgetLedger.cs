using FederatedDpLlm.Security.Audit;

namespace FederatedDpLlm.Budgets;

/// <summary>
/// Durable privacy accounts: reserve, then commit or release. Every call is one atomic, fsynced group commit together with its audit entry; when a task
/// completes, its effect survives a crash. A reservation that a crash leaves open counts as spent. Calls are safe from any thread.
/// </summary>
/// <remarks>The specification's Privacy Accountant, its durable half; the mathematics of cost lives in <c>FederatedDpLlm.Privacy</c>.</remarks>
public interface IBudgetLedger
{
    /// <summary>Holds every amount on every account, or none, and writes <paramref name="audit"/> (the decision) in the same commit.</summary>
    /// <param name="requestId">Unique per request; a repeat is answered <see cref="ReserveOutcome.AlreadySeen"/> and holds nothing.</param>
    /// <param name="charges">At most one per account.</param>
    /// <param name="audit">The entry for an admission; the ledger turns its decision into "refused" where it refuses.</param>
    Task<ReserveOutcome> ReserveAsync(string requestId, IReadOnlyList<Charge> charges, AuditRecord audit, CancellationToken cancellationToken) =>
        ReserveAsync(requestId, charges, audit, static _ => true, cancellationToken);

    /// <summary>The same for a caller who asks again in another way after some refusals, so that one question leaves one decision.</summary>
    /// <param name="requestId">As above.</param>
    /// <param name="charges">As above.</param>
    /// <param name="audit">As above.</param>
    /// <param name="decides">Whether a refusal is the caller's last word; one that is not leaves no entry. Asked by the ledger's writer: it only looks at the outcome.</param>
    /// <param name="cancellationToken">Before the call is taken up; afterwards its outcome is told.</param>
    Task<ReserveOutcome> ReserveAsync(
        string requestId, IReadOnlyList<Charge> charges, AuditRecord audit, Func<ReserveOutcome, bool> decides, CancellationToken cancellationToken);

    /// <summary>Settles an open reservation at what ran: each amount at most what was held, accounts left out at 0; the rest returns.</summary>
    /// <returns>The accounts touched, after the commit, and the number of the audit entry.</returns>
    /// <exception cref="InvalidOperationException">No such open reservation, or an amount above its hold. Nothing changed.</exception>
    /// <exception cref="BudgetStoreException">It is not on disk yet. The ledger goes on trying until it is, as a failed request with the same charges.</exception>
    Task<Settlement> CommitAsync(string requestId, IReadOnlyList<Charge> spent, AuditRecord audit, CancellationToken cancellationToken);

    /// <summary>Returns an open reservation whole. Allowed only where no noise was drawn and no answer could have been seen.</summary>
    /// <exception cref="BudgetStoreException">It is not on disk yet. The ledger goes on trying until it is.</exception>
    Task<Settlement> ReleaseAsync(string requestId, AuditRecord audit, CancellationToken cancellationToken);

    /// <summary>Writes an entry that moves no account (an answer of cost 0, a refusal before any account was asked).</summary>
    Task<long> RecordAsync(AuditRecord audit, CancellationToken cancellationToken);

    /// <summary>Makes sure that an account exists with this policy (a user's quota at first sight). Spending is kept when a policy changes.</summary>
    Task EnsureAccountAsync(AccountPolicy policy, CancellationToken cancellationToken);

    /// <summary>One account as it stands, or null.</summary>
    AccountState? Find(AccountId account);

    /// <summary>All accounts as they stand.</summary>
    IReadOnlyList<AccountState> Snapshot();
}
