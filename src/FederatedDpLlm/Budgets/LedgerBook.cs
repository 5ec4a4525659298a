using System.Collections.Immutable;
using FederatedDpLlm.Security.Audit;

namespace FederatedDpLlm.Budgets;

/// <summary>
/// The whole ledger as of one commit. It never changes: a batch makes the next one, which is published only after its commit is on disk,
/// so a reader on any thread sees one consistent state and a failed write leaves no trace in memory.
/// </summary>
/// <param name="Accounts">Every account.</param>
/// <param name="Open">Reservations that have not settled.</param>
/// <param name="Entries">The number of audit entries, which is the next one's index.</param>
/// <param name="Head">The last audit entry's hash.</param>
/// <param name="Clock">The last entry's time: the ledger's clock never runs back behind it.</param>
internal sealed record LedgerBook(
    ImmutableDictionary<AccountId, Account> Accounts,
    ImmutableDictionary<string, Reservation> Open,
    long Entries,
    byte[] Head,
    DateTimeOffset Clock)
{
    public static LedgerBook Empty { get; } = new(
        ImmutableDictionary<AccountId, Account>.Empty,
        ImmutableDictionary.Create<string, Reservation>(StringComparer.Ordinal),
        0,
        AuditEncoding.Genesis,
        DateTimeOffset.UnixEpoch);
}
