using Microsoft.Data.Sqlite;

namespace FederatedDpLlm.Benchmarks.Ledger;

/// <summary>
/// The ledger that one would write first: SQLite with the same durability and rows for the same facts, one transaction a call, one connection behind a gate
/// (SQLite has one writer). It leaves out the hash chain and the policy windows: the comparison is in its favour.
/// </summary>
internal sealed class OneTransactionPerCall : IDisposable
{
    private const string Schema = """
        PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
        CREATE TABLE accounts(id TEXT PRIMARY KEY, budget INTEGER NOT NULL, spent INTEGER NOT NULL, reserved INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE reservations(request_id TEXT PRIMARY KEY, state INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE movements(number INTEGER PRIMARY KEY, request_id TEXT NOT NULL, account TEXT NOT NULL, held INTEGER NOT NULL, spent INTEGER NOT NULL) STRICT;
        CREATE TABLE audit_entries(number INTEGER PRIMARY KEY, request_id TEXT NOT NULL, decision TEXT NOT NULL) STRICT;
        """;

    private readonly SqliteConnection _connection;
    private readonly SemaphoreSlim _gate = new(1);
    private readonly SqliteCommand _begin;
    private readonly SqliteCommand _commit;
    private readonly SqliteCommand _hold;
    private readonly SqliteCommand _settle;
    private readonly SqliteCommand _reservation;
    private readonly SqliteCommand _movement;
    private readonly SqliteCommand _audit;

    public OneTransactionPerCall(string path, IReadOnlyList<string> accounts)
    {
        _connection = new SqliteConnection($"Data Source={path};Pooling=False");
        _connection.Open();
        Run(Command(Schema));
        foreach (var account in accounts)
        {
            Run(Command("INSERT INTO accounts VALUES($0, 9000000000000000000, 0, 0)", 1), account);
        }

        _begin = Command("BEGIN IMMEDIATE");
        _commit = Command("COMMIT");
        _hold = Command("UPDATE accounts SET reserved = reserved + $1 WHERE id = $0 AND spent + reserved + $1 <= budget", 2);
        _settle = Command("UPDATE accounts SET reserved = reserved - $1, spent = spent + $1 WHERE id = $0", 2);
        _reservation = Command("INSERT INTO reservations VALUES($0, $1) ON CONFLICT DO UPDATE SET state = $1", 2);
        _movement = Command("INSERT INTO movements(request_id, account, held, spent) VALUES($0, $1, $2, $3)", 4);
        _audit = Command("INSERT INTO audit_entries(request_id, decision) VALUES($0, $1)", 2);
    }

    public Task ReserveAsync(string requestId, IReadOnlyList<string> accounts, long units) => CallAsync(_hold, requestId, accounts, units, 0, "Admitted");

    public Task CommitAsync(string requestId, IReadOnlyList<string> accounts, long units) => CallAsync(_settle, requestId, accounts, -units, units, "Answered");

    public void Dispose()
    {
        _connection.Dispose();
        _gate.Dispose();
    }

    private async Task CallAsync(SqliteCommand change, string requestId, IReadOnlyList<string> accounts, long held, long spent, string decision)
    {
        await _gate.WaitAsync();
        try
        {
            Run(_begin);
            foreach (var account in accounts)
            {
                if (Run(change, account, Math.Abs(held)) != 1)
                {
                    throw new InvalidOperationException("The benchmark's budget is spent.");
                }

                Run(_movement, requestId, account, held, spent);
            }

            Run(_reservation, requestId, spent == 0 ? 0 : 1);
            Run(_audit, requestId, decision);
            Run(_commit);
        }
        finally
        {
            _gate.Release();
        }
    }

    private SqliteCommand Command(string sql, int parameters = 0)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < parameters; i++)
        {
            command.Parameters.Add(new SqliteParameter("$" + i, null));
        }

        return command;
    }

    private static int Run(SqliteCommand command, params ReadOnlySpan<object> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            command.Parameters[i].Value = values[i];
        }

        return command.ExecuteNonQuery();
    }
}
