using System.Buffers.Binary;
using System.Text;
using FederatedDpLlm.Security.Encryption;
using FederatedDpLlm.Security.Sqlite;
using Microsoft.Data.Sqlite;

namespace FederatedDpLlm.Routing.Retries;

/// <summary>
/// Answers that may be asked for again, in a SQLite file: sealed, named by keyed hashes, deleted after their lifetime. Whoever has the file without the key learns
/// how many there are, how long, and when they end. Safe for concurrent use.
/// </summary>
public sealed class AnswerStore : IDisposable
{
    private const string Schema = """
        PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;
        CREATE TABLE IF NOT EXISTS answers(name BLOB PRIMARY KEY, ends INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT;
        CREATE INDEX IF NOT EXISTS answers_ends ON answers(ends);
        """;

    private readonly AtRestKey _key;
    private readonly TimeSpan _lifetime;
    private readonly long _mostBytes;
    private readonly TimeProvider _clock;
    private readonly SqliteConnection _connection;
    private readonly Lock _gate = new();

    /// <param name="path">The file; made where it is not.</param>
    /// <param name="key">Not disposed here.</param>
    /// <param name="lifetime">How long an answer is kept.</param>
    /// <param name="mostBytes">Most sealed bytes; the answers that end first go first.</param>
    /// <param name="clock">Lifetimes follow it.</param>
    /// <exception cref="SqliteException">The file cannot be used.</exception>
    public AnswerStore(string path, AtRestKey key, TimeSpan lifetime, long mostBytes, TimeProvider clock)
    {
        (_key, _lifetime, _mostBytes, _clock) = (key, lifetime, mostBytes, clock);
        OwnerOnlyFile.Create(path);
        _connection = SqliteStatements.Open(path);
        _connection.Execute(Schema);
        Forget();
    }

    /// <returns>Null where none is kept under this id.</returns>
    public Task<StoredAnswer?> FindAsync(string requestId) => Task.Run(() => Find(requestId));

    /// <summary>Keeps an answer, durable when this returns. One larger than the store is not kept.</summary>
    public Task KeepAsync(string requestId, StoredAnswer answer) => Task.Run(() => Keep(requestId, answer));

    /// <summary>Deletes what has ended.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            _connection.Execute("DELETE FROM answers WHERE ends <= $0", Now);
        }
    }

    public void Dispose() => _connection.Dispose();

    private long Now => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    private StoredAnswer? Find(string requestId)
    {
        var name = NameOf(requestId);
        lock (_gate)
        {
            foreach (var row in _connection.Query("SELECT ends, sealed FROM answers WHERE name = $0 AND ends > $1", name, Now))
            {
                return _key.Open(row.GetFieldValue<byte[]>(1), BoundTo(name, row.GetInt64(0))) is { } plain
                    ? new StoredAnswer(plain[..AtRestKey.FingerprintSizeBytes], plain[AtRestKey.FingerprintSizeBytes..])
                    : null;
            }

            return null;
        }
    }

    private void Keep(string requestId, StoredAnswer answer)
    {
        var name = NameOf(requestId);
        var ends = (_clock.GetUtcNow() + _lifetime).ToUnixTimeMilliseconds();
        var box = _key.Seal([.. answer.Request, .. answer.Body], BoundTo(name, ends));
        if (box.Length > _mostBytes)
        {
            return;
        }

        lock (_gate)
        {
            using var transaction = _connection.BeginTransaction();
            _connection.Execute("INSERT INTO answers VALUES($0, $1, $2) ON CONFLICT(name) DO UPDATE SET ends = $1, sealed = $2", name, ends, box);
            _connection.Execute("""
                DELETE FROM answers WHERE name IN (
                    SELECT name FROM (SELECT name, sum(length(sealed)) OVER (ORDER BY ends DESC, name) AS newer FROM answers) WHERE newer > $0)
                """, _mostBytes);
            transaction.Commit();
        }
    }

    private byte[] NameOf(string requestId) => _key.Fingerprint(Encoding.UTF8.GetBytes("answer of " + requestId));

    // Moved to another name or given another end, a box no longer opens.
    private static byte[] BoundTo(byte[] name, long ends)
    {
        var context = new byte[name.Length + sizeof(long)];
        name.CopyTo(context, 0);
        BinaryPrimitives.WriteInt64BigEndian(context.AsSpan(name.Length), ends);
        return context;
    }
}
