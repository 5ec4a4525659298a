using FederatedDpLlm.Security.Audit;
using Microsoft.Data.Sqlite;

namespace FederatedDpLlm.Budgets;

/// <summary>The ledger's own tables, beside the audit log's in the same file.</summary>
internal static class LedgerTables
{
    /// <summary>Raised when the tables change; a file of another version is refused, never guessed at.</summary>
    public const int Version = 1;

    public const string Schema = $"""
        {AuditTable.Schema}
        CREATE TABLE IF NOT EXISTS accounts(
            id TEXT PRIMARY KEY, kind TEXT NOT NULL, composition TEXT NOT NULL, epsilon REAL NOT NULL, delta REAL NOT NULL, renyi_order REAL,
            reset TEXT NOT NULL, budget INTEGER NOT NULL, window_start INTEGER NOT NULL, window_end INTEGER, spent INTEGER NOT NULL,
            reserved INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS reservations(
            request_id TEXT PRIMARY KEY, state INTEGER NOT NULL, entry INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS reservations_open ON reservations(entry) WHERE state = 0;
        """;

    public const string PutAccount = """
        INSERT INTO accounts VALUES($0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT(id) DO UPDATE SET kind = $1, composition = $2, epsilon = $3, delta = $4, renyi_order = $5, reset = $6, budget = $7,
            window_start = $8, window_end = $9, spent = $10, reserved = $11
        """;

    public const string PutReservation = "INSERT INTO reservations VALUES($0, $1, $2) ON CONFLICT(request_id) DO UPDATE SET state = $1";

    public const string FindReservation = "SELECT state FROM reservations WHERE request_id = $0";

    public static object?[] ToRow(Account account)
    {
        var policy = account.Policy;
        return
        [
            policy.Id.Value, policy.Kind.ToString(), policy.Composition.ToString(), policy.Epsilon, policy.Delta, policy.Currency.RenyiOrder,
            policy.Reset.ToString(), policy.Budget.Value, account.Window.StartsAt, account.Window.EndsAt, account.Spent.Value, account.Reserved.Value,
        ];
    }

    public static IEnumerable<Account> ReadAccounts(SqliteConnection connection)
    {
        using var rows = Query(connection, "SELECT * FROM accounts ORDER BY id");
        while (rows.Read())
        {
            var policy = new AccountPolicy(
                new AccountId(rows.GetString(0)), Enum.Parse<AccountKind>(rows.GetString(1)), Enum.Parse<Composition>(rows.GetString(2)),
                rows.GetDouble(3), rows.GetDouble(4), Enum.Parse<ResetSchedule>(rows.GetString(6)), rows.IsDBNull(5) ? null : rows.GetDouble(5))
            {
                Budget = new BudgetUnits(rows.GetInt64(7)),
            };
            var window = new BudgetWindow(rows.GetInt64(8), rows.IsDBNull(9) ? null : rows.GetInt64(9));
            yield return new Account(policy, window, new BudgetUnits(rows.GetInt64(10)), new BudgetUnits(rows.GetInt64(11)));
        }
    }

    /// <summary>Open reservations with their holds, which are the movements of the entry that admitted them.</summary>
    public static IEnumerable<Reservation> ReadOpenReservations(SqliteConnection connection)
    {
        using var rows = Query(connection, "SELECT request_id, entry FROM reservations WHERE state = 0 ORDER BY entry");
        while (rows.Read())
        {
            yield return new Reservation(rows.GetString(0), rows.GetInt64(1), [.. ReadHolds(connection, rows.GetInt64(1))]);
        }
    }

    /// <summary>What the movements add up to, by account and window.</summary>
    public static Dictionary<(string Account, long Window), (long Held, long Spent)> SumMovements(SqliteConnection connection)
    {
        var sums = new Dictionary<(string, long), (long, long)>();
        // SQLite's sum() of integers raises an error where it would overflow; it never turns into a float.
        using var rows = Query(connection, "SELECT account, window, sum(held), sum(spent) FROM movements GROUP BY account, window");
        while (rows.Read())
        {
            sums[(rows.GetString(0), rows.GetInt64(1))] = (rows.GetInt64(2), rows.GetInt64(3));
        }

        return sums;
    }

    public static long ReadNumber(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar() is long number ? number : 0;
    }

    private static IEnumerable<Hold> ReadHolds(SqliteConnection connection, long entry)
    {
        using var rows = Query(connection, "SELECT account, window, held FROM movements WHERE entry = $0 ORDER BY position", entry);
        while (rows.Read())
        {
            yield return new Hold(new AccountId(rows.GetString(0)), rows.GetInt64(1), new BudgetUnits(rows.GetInt64(2)));
        }
    }

    private static SqliteDataReader Query(SqliteConnection connection, string sql, long parameter = 0)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        command.Parameters.AddWithValue("$0", parameter);
        return command.ExecuteReader();
    }
}
