using FederatedDpLlm.Security.Sqlite;
using Microsoft.Data.Sqlite;

namespace FederatedDpLlm.Security.Audit;

/// <summary>Reads and verifies the log through a read-only connection, beside a writer at work: every call sees one consistent state.</summary>
public static class AuditLog
{
    private const string Rows = "SELECT number, time, request_id, decision, actor, details, previous, hash FROM audit_entries";
    private const string MovementRows = "SELECT entry, account, window, held, spent FROM movements";

    // SQLITE_CORRUPT: the file's pages do not hang together.
    private const int Corrupt = 11;

    /// <summary>Recomputes the whole chain of the ledger at <paramref name="path"/>.</summary>
    /// <exception cref="SqliteException">The file is no database, or cannot be read.</exception>
    public static AuditVerification Verify(string path)
    {
        using var connection = SqliteStatements.Open(path, SqliteOpenMode.ReadOnly);
        using var snapshot = connection.BeginTransaction(deferred: true);
        long good = 0;
        try
        {
            return AuditChain.Verify(Read(connection, long.MinValue).Select(Counted), ReadHead(connection), connection.ReadNumber("SELECT max(entry) FROM movements"));
        }
        catch (Exception damaged) when (damaged is InvalidCastException or InvalidOperationException or SqliteException { SqliteErrorCode: Corrupt })
        {
            return new AuditVerification(good, good, "the row cannot be read: " + damaged.Message, string.Empty);
        }

        StoredAuditEntry Counted(StoredAuditEntry row)
        {
            good++;
            return row;
        }
    }

    /// <summary>The newest <paramref name="count"/> entries, newest first.</summary>
    public static IReadOnlyList<AuditEntry> Latest(string path, int count)
    {
        using var connection = SqliteStatements.Open(path, SqliteOpenMode.ReadOnly);
        using var snapshot = connection.BeginTransaction(deferred: true);
        var first = Math.Max(0, ReadHead(connection).Entries - count);
        return [.. Read(connection, first).Select(ToEntry).Reverse()];
    }

    /// <summary>Rows in order of their index, each with its movements: two ordered cursors side by side, so that memory does not grow with the log.</summary>
    internal static IEnumerable<StoredAuditEntry> Read(SqliteConnection connection, long first)
    {
        using var movements = connection.Query($"{MovementRows} WHERE entry >= $0 ORDER BY entry, position", first).GetEnumerator();
        var more = movements.MoveNext();
        foreach (var entry in connection.Query($"{Rows} WHERE number >= $0 ORDER BY number", first))
        {
            var index = entry.GetInt64(0);
            var own = new List<LedgerMovement>();
            for (; more && movements.Current.GetInt64(0) <= index; more = movements.MoveNext())
            {
                var movement = movements.Current;
                own.Add(new LedgerMovement(movement.GetString(1), movement.GetInt64(2), movement.GetInt64(3), movement.GetInt64(4)));
            }

            yield return new StoredAuditEntry(
                index, entry.GetInt64(1), entry.GetString(2), entry.GetString(3), entry.GetString(4), entry.GetString(5), own,
                entry.GetFieldValue<byte[]>(6), entry.GetFieldValue<byte[]>(7));
        }
    }

    internal static (long Entries, byte[] Hash) ReadHead(SqliteConnection connection)
    {
        foreach (var head in connection.Query("SELECT entries, hash FROM audit_head WHERE one = 1"))
        {
            return (head.GetInt64(0), head.GetFieldValue<byte[]>(1));
        }

        return (0, []);
    }

    internal static AuditEntry ToEntry(StoredAuditEntry row) => new(
        row.Index,
        DateTimeOffset.FromUnixTimeMilliseconds(row.UnixMilliseconds),
        new AuditRecord(row.RequestId, Enum.Parse<AuditDecision>(row.Decision), row.Actor, AuditEncoding.ParseDetails(row.Details)),
        row.Movements);
}
