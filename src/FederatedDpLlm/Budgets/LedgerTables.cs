using FederatedDpLlm.Security.Audit;
using FederatedDpLlm.Security.Sqlite;
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
        foreach (var row in connection.Query("SELECT * FROM accounts ORDER BY id"))
        {
            var policy = new AccountPolicy(
                new AccountId(row.GetString(0)), Enum.Parse<AccountKind>(row.GetString(1)), Enum.Parse<Composition>(row.GetString(2)),
                row.GetDouble(3), row.GetDouble(4), Enum.Parse<ResetSchedule>(row.GetString(6)), row.IsDBNull(5) ? null : row.GetDouble(5))
            {
                Budget = new BudgetUnits(row.GetInt64(7)),
            };
            var window = new BudgetWindow(row.GetInt64(8), row.IsDBNull(9) ? null : row.GetInt64(9));
            yield return new Account(policy, window, new BudgetUnits(row.GetInt64(10)), new BudgetUnits(row.GetInt64(11)));
        }
    }

    /// <summary>Open reservations with their holds, which are the movements of the entry that admitted them.</summary>
    public static IEnumerable<Reservation> ReadOpenReservations(SqliteConnection connection)
    {
        foreach (var row in connection.Query("SELECT request_id, entry FROM reservations WHERE state = 0 ORDER BY entry"))
        {
            yield return new Reservation(row.GetString(0), row.GetInt64(1), [.. ReadHolds(connection, row.GetInt64(1))]);
        }
    }

    /// <summary>What the movements add up to, by account and window.</summary>
    public static Dictionary<(string Account, long Window), (long Held, long Spent)> SumMovements(SqliteConnection connection)
    {
        var sums = new Dictionary<(string, long), (long, long)>();
        // SQLite's sum() of integers raises an error where it would overflow; it never turns into a float.
        foreach (var row in connection.Query("SELECT account, window, sum(held), sum(spent) FROM movements GROUP BY account, window"))
        {
            sums[(row.GetString(0), row.GetInt64(1))] = (row.GetInt64(2), row.GetInt64(3));
        }

        return sums;
    }

    private static IEnumerable<Hold> ReadHolds(SqliteConnection connection, long entry)
    {
        foreach (var row in connection.Query("SELECT account, window, held FROM movements WHERE entry = $0 ORDER BY position", entry))
        {
            yield return new Hold(new AccountId(row.GetString(0)), row.GetInt64(1), new BudgetUnits(row.GetInt64(2)));
        }
    }
}
