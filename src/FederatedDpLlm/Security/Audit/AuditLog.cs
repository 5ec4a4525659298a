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
        using var connection = OpenReadOnly(path);
        using var snapshot = connection.BeginTransaction(deferred: true);
        long good = 0;
        try
        {
            return AuditChain.Verify(Read(connection, long.MinValue).Select(Counted), ReadHead(connection), LastMovement(connection));
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
        using var connection = OpenReadOnly(path);
        using var snapshot = connection.BeginTransaction(deferred: true);
        var first = Math.Max(0, ReadHead(connection).Entries - count);
        return [.. Read(connection, first).Select(ToEntry).Reverse()];
    }

    internal static SqliteConnection OpenReadOnly(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    /// <summary>Rows in order of their index, each with its movements: two ordered cursors side by side, so that memory does not grow with the log.</summary>
    internal static IEnumerable<StoredAuditEntry> Read(SqliteConnection connection, long first)
    {
        using var entries = Query(connection, $"{Rows} WHERE number >= $0 ORDER BY number", first);
        using var movements = Query(connection, $"{MovementRows} WHERE entry >= $0 ORDER BY entry, position", first);
        var more = movements.Read();
        while (entries.Read())
        {
            var index = entries.GetInt64(0);
            var own = new List<LedgerMovement>();
            for (; more && movements.GetInt64(0) <= index; more = movements.Read())
            {
                own.Add(new LedgerMovement(movements.GetString(1), movements.GetInt64(2), movements.GetInt64(3), movements.GetInt64(4)));
            }

            yield return new StoredAuditEntry(
                index, entries.GetInt64(1), entries.GetString(2), entries.GetString(3), entries.GetString(4), entries.GetString(5), own,
                entries.GetFieldValue<byte[]>(6), entries.GetFieldValue<byte[]>(7));
        }
    }

    internal static (long Entries, byte[] Hash) ReadHead(SqliteConnection connection)
    {
        using var head = Query(connection, "SELECT entries, hash FROM audit_head WHERE one = $0", 1);
        return head.Read() ? (head.GetInt64(0), head.GetFieldValue<byte[]>(1)) : (0, []);
    }

    internal static AuditEntry ToEntry(StoredAuditEntry row) => new(
        row.Index,
        DateTimeOffset.FromUnixTimeMilliseconds(row.UnixMilliseconds),
        new AuditRecord(row.RequestId, Enum.Parse<AuditDecision>(row.Decision), row.Actor, AuditEncoding.ParseDetails(row.Details)),
        row.Movements);

    private static long? LastMovement(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT max(entry) FROM movements";
        return command.ExecuteScalar() as long?;
    }

    private static SqliteDataReader Query(SqliteConnection connection, string sql, long parameter)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        command.Parameters.AddWithValue("$0", parameter);
        return command.ExecuteReader();
    }
}
