namespace FederatedDpLlm.Security.Audit;

/// <summary>
/// Recomputes the chain from its first entry. Finds an edit of any field or movement, a deletion, an insertion, a re-ordering and (against the stored
/// head and the ledger's movements) a cut tail. Whoever can rewrite the whole file, head included, is found only by a head kept elsewhere.
/// </summary>
internal static class AuditChain
{
    /// <param name="entries">The rows in order of their index.</param>
    /// <param name="head">The stored number of entries and the last one's hash.</param>
    /// <param name="lastMovement">The highest index that a movement of the ledger names; null where there is none.</param>
    public static AuditVerification Verify(IEnumerable<StoredAuditEntry> entries, (long Entries, byte[] Hash) head, long? lastMovement)
    {
        var previous = AuditEncoding.Genesis;
        long next = 0;
        foreach (var row in entries)
        {
            if (Fault(row, next, previous) is var (index, problem))
            {
                return Bad(index, problem);
            }

            previous = row.Hash;
            next++;
        }

        return next switch
        {
            _ when head.Entries > next => Bad(next, $"the log ends here, but its head counts {head.Entries} entries"),
            _ when lastMovement >= next => Bad(next, $"the log ends here, but the ledger has movements of entry {lastMovement}"),
            _ when head.Entries < next => Bad(head.Entries, $"the log goes on, but its head counts {head.Entries} entries"),
            _ when !head.Hash.AsSpan().SequenceEqual(previous) => Bad(Math.Max(0, next - 1), "the last entry is not the one that the stored head names"),
            _ => new AuditVerification(next, null, null, Convert.ToHexStringLower(previous)),
        };

        AuditVerification Bad(long index, string problem) => new(next, index, problem, Convert.ToHexStringLower(previous));
    }

    private static (long Index, string Problem)? Fault(StoredAuditEntry row, long expected, byte[] previous) => row switch
    {
        _ when row.Index != expected => (Math.Min(row.Index, expected), $"entry {expected} is missing: entry {row.Index} stands in its place"),
        _ when !row.Hash.AsSpan().SequenceEqual(AuditEncoding.Hash(row)) => (expected, "its content does not match its hash"),
        // The row agrees with itself and with the predecessor that it once had: the predecessor was replaced.
        _ when !row.Previous.AsSpan().SequenceEqual(previous) => (Math.Max(0, expected - 1), "the entry after it was chained to another one"),
        _ => null,
    };
}
