using FederatedDpLlm.Security.Sqlite;
using Microsoft.Data.Sqlite;

namespace FederatedDpLlm.Security.Audit;

/// <summary>
/// The log's tables in the ledger's SQLite file. It opens no transaction of its own: an entry shares the commit of the movements that it describes.
/// Triggers refuse update and deletion; they stop mistakes, the chain catches intent.
/// </summary>
internal sealed class AuditTable : IDisposable
{
    public const string Schema = """
        CREATE TABLE IF NOT EXISTS audit_entries(
            number INTEGER PRIMARY KEY, time INTEGER NOT NULL, request_id TEXT NOT NULL, decision TEXT NOT NULL, actor TEXT NOT NULL,
            details TEXT NOT NULL, previous BLOB NOT NULL, hash BLOB NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS movements(
            entry INTEGER NOT NULL, position INTEGER NOT NULL, account TEXT NOT NULL, window INTEGER NOT NULL, held INTEGER NOT NULL,
            spent INTEGER NOT NULL, PRIMARY KEY(entry, position)) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS audit_head(
            one INTEGER PRIMARY KEY CHECK(one = 1), entries INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
        INSERT INTO audit_head(one, entries, hash) VALUES(1, 0, zeroblob(32)) ON CONFLICT DO NOTHING;
        CREATE TRIGGER IF NOT EXISTS audit_entries_keep BEFORE UPDATE ON audit_entries BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
        CREATE TRIGGER IF NOT EXISTS audit_entries_stay BEFORE DELETE ON audit_entries BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
        CREATE TRIGGER IF NOT EXISTS movements_keep BEFORE UPDATE ON movements BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
        CREATE TRIGGER IF NOT EXISTS movements_stay BEFORE DELETE ON movements BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
        """;

    private readonly SqliteCommand _insertEntry;
    private readonly SqliteCommand _insertMovement;
    private readonly SqliteCommand _setHead;

    public AuditTable(SqliteConnection connection)
    {
        _insertEntry = connection.Prepare("INSERT INTO audit_entries VALUES($0, $1, $2, $3, $4, $5, $6, $7)", 8);
        _insertMovement = connection.Prepare("INSERT INTO movements VALUES($0, $1, $2, $3, $4, $5)", 6);
        _setHead = connection.Prepare("UPDATE audit_head SET entries = $0, hash = $1", 2);
    }

    /// <summary>Appends rows that follow each other, inside the caller's transaction.</summary>
    public void Append(IReadOnlyList<StoredAuditEntry> rows)
    {
        foreach (var row in rows)
        {
            _insertEntry.Run(row.Index, row.UnixMilliseconds, row.RequestId, row.Decision, row.Actor, row.Details, row.Previous, row.Hash);
            for (var position = 0; position < row.Movements.Count; position++)
            {
                var movement = row.Movements[position];
                _insertMovement.Run(row.Index, position, movement.Account, movement.WindowStart, movement.Held, movement.Spent);
            }
        }

        if (rows is [.., var last])
        {
            _setHead.Run(last.Index + 1, last.Hash);
        }
    }

    public void Dispose()
    {
        _insertEntry.Dispose();
        _insertMovement.Dispose();
        _setHead.Dispose();
    }
}
