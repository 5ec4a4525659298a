using System.Collections.Immutable;
using FederatedDpLlm.Security.Audit;
using FederatedDpLlm.Security.Sqlite;
using Microsoft.Data.Sqlite;

namespace FederatedDpLlm.Budgets;

/// <summary>
/// The ledger in one SQLite file: write-ahead log, <c>synchronous=FULL</c>, one fsync a batch. With <c>NORMAL</c> a power cut could take back
/// spending that was already acknowledged.
/// </summary>
internal sealed class SqliteLedgerStore(string path) : ILedgerStore
{
    private Session? _session;

    /// <summary>For tests of a full disk: SQLite's own limit on the file's size, in pages; 0 leaves it open.</summary>
    public long MostPages { get; set; }

    public LedgerBook Load()
    {
        _session?.Dispose();
        _session = null;
        try
        {
            _session = new Session(path, MostPages);
            return ReadBook(_session.Connection);
        }
        catch (Exception failure) when (failure is SqliteException or IOException or UnauthorizedAccessException or ArgumentException or InvalidCastException)
        {
            throw new BudgetStoreException($"The ledger '{path}' cannot be read: {failure.Message} {WhatToDo(failure)}", failure);
        }
    }

    public ReservationState? FindReservation(string requestId) => Opened.FindReservation(requestId);

    public void Write(LedgerChanges changes) => Opened.Write(changes);

    public void Dispose() => _session?.Dispose();

    private Session Opened => _session ?? throw new BudgetStoreException($"The ledger '{path}' is not open.");

    // SQLite's result codes: https://www.sqlite.org/rescode.html
    private static string WhatToDo(Exception failure) => failure switch
    {
        SqliteException { SqliteErrorCode: 13 } => "Make room on its disk and start again.",
        UnauthorizedAccessException or SqliteException { SqliteErrorCode: 3 or 8 or 14 } => "Give the program a file that it may read and write, in a folder where it may make others.",
        _ => "Restore the file from its backup: with a new one in its place, what was spent would be forgotten.",
    };

    private static LedgerBook ReadBook(SqliteConnection connection)
    {
        var accounts = LedgerTables.ReadAccounts(connection).ToImmutableDictionary(account => account.Policy.Id);
        var open = LedgerTables.ReadOpenReservations(connection).ToImmutableDictionary(reservation => reservation.RequestId, StringComparer.Ordinal);
        CheckBalances(accounts.Values, LedgerTables.SumMovements(connection));
        var head = AuditLog.ReadHead(connection);
        if (connection.ReadNumber("SELECT count(*) FROM audit_entries") != head.Entries)
        {
            throw new BudgetStoreException("The audit log does not have as many entries as its head says; see 'fedllm audit verify'.");
        }

        var clock = connection.ReadNumber("SELECT time FROM audit_entries ORDER BY number DESC LIMIT 1");
        return LedgerBook.Empty with
        {
            Accounts = accounts,
            Open = LedgerBook.Empty.Open.AddRange(open),
            Entries = head.Entries,
            Head = head.Hash,
            Clock = DateTimeOffset.FromUnixTimeMilliseconds(clock ?? 0),
        };
    }

    // The movements are the truth. A balance that does not follow from them was not written by this ledger: admit nothing on its word.
    private static void CheckBalances(IEnumerable<Account> accounts, Dictionary<(string Account, long Window), (long Held, long Spent)> sums)
    {
        foreach (var account in accounts)
        {
            var (held, spent) = sums.GetValueOrDefault((account.Policy.Id.Value, account.Window.StartsAt));
            if (held != account.Reserved.Value || spent != account.Spent.Value)
            {
                throw new BudgetStoreException(
                    $"{account.Policy.Id} does not agree with its entries (spent {account.Spent.Value} against {spent}, reserved {account.Reserved.Value} against {held}); see 'fedllm budget verify'.");
            }
        }
    }

    /// <summary>One connection with its prepared statements.</summary>
    private sealed class Session : IDisposable
    {
        private readonly AuditTable _audit;
        private readonly SqliteCommand _begin;
        private readonly SqliteCommand _commit;
        private readonly SqliteCommand _rollback;
        private readonly SqliteCommand _putAccount;
        private readonly SqliteCommand _putReservation;
        private readonly SqliteCommand _findReservation;

        public Session(string path, long mostPages)
        {
            Connection = SqliteStatements.Open(path);
            try
            {
                Connection.Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;");
                CheckVersion();
                Connection.Execute(LedgerTables.Schema);
                // After a failed write, what the log holds is written and synced anew before anything is believed.
                Connection.Execute("PRAGMA wal_checkpoint(TRUNCATE);");
                Connection.Execute(mostPages > 0 ? $"PRAGMA max_page_count = {mostPages};" : string.Empty);
                _audit = new AuditTable(Connection);
                _begin = Connection.Prepare("BEGIN IMMEDIATE");
                _commit = Connection.Prepare("COMMIT");
                _rollback = Connection.Prepare("ROLLBACK");
                _putAccount = Connection.Prepare(LedgerTables.PutAccount, 12);
                _putReservation = Connection.Prepare(LedgerTables.PutReservation, 3);
                _findReservation = Connection.Prepare(LedgerTables.FindReservation, 1);
            }
            catch
            {
                Connection.Dispose();
                throw;
            }
        }

        public SqliteConnection Connection { get; }

        public ReservationState? FindReservation(string requestId)
        {
            _findReservation.Parameters[0].Value = requestId;
            return _findReservation.ExecuteScalar() is long state ? (ReservationState)state : null;
        }

        public void Write(LedgerChanges changes)
        {
            _begin.ExecuteNonQuery();
            try
            {
                _audit.Append(changes.Entries);
                foreach (var row in changes.Reservations)
                {
                    _putReservation.Run(row.RequestId, (long)row.State, row.Entry);
                }

                foreach (var account in changes.Accounts)
                {
                    _putAccount.Run(LedgerTables.ToRow(account));
                }

                _commit.ExecuteNonQuery();
            }
            catch
            {
                TryRollback();
                throw;
            }
        }

        public void Dispose()
        {
            foreach (var statement in new IDisposable[] { _audit, _begin, _commit, _rollback, _putAccount, _putReservation, _findReservation })
            {
                statement.Dispose();
            }

            Connection.Dispose();
        }

        private void CheckVersion()
        {
            var version = Connection.ReadNumber("PRAGMA user_version");
            if (version is not (0 or LedgerTables.Version))
            {
                throw new BudgetStoreException($"The ledger has version {version}; this program writes version {LedgerTables.Version}. Start it with the program that wrote it, or name another ledger or folder: what this one holds as spent is then not counted.");
            }

            Connection.Execute($"PRAGMA user_version = {LedgerTables.Version};");
        }

        // SQLite may have rolled back on its own; whatever is left, the next Load decides.
        private void TryRollback()
        {
            try
            {
                _rollback.ExecuteNonQuery();
            }
            catch (SqliteException)
            {
            }
        }
    }
}
