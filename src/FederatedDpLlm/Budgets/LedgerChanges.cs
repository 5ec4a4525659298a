using FederatedDpLlm.Security.Audit;

namespace FederatedDpLlm.Budgets;

/// <summary>The rows of one group commit.</summary>
/// <param name="Entries">Sealed audit entries with their movements, in order.</param>
/// <param name="Reservations">Request ids that are new or have a new state.</param>
/// <param name="Accounts">Accounts touched, as they stand after the batch.</param>
internal sealed record LedgerChanges(
    IReadOnlyList<StoredAuditEntry> Entries,
    IReadOnlyCollection<ReservationRow> Reservations,
    IReadOnlyCollection<Account> Accounts);
