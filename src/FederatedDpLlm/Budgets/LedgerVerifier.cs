using System.Text.Json;
using FederatedDpLlm.Security.Audit;
using FederatedDpLlm.Security.Sqlite;
using Microsoft.Data.Sqlite;

namespace FederatedDpLlm.Budgets;

/// <summary>Recomputes every account of a ledger from its entries, through a read-only connection, beside a writer at work.</summary>
public static class LedgerVerifier
{
    /// <summary>Every ledger below a folder, in order of its path.</summary>
    public static IReadOnlyList<string> LedgersBelow(string folder) =>
        [.. Directory.EnumerateFiles(folder, SqliteBudgetLedger.FileName, SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    /// <exception cref="SqliteException">The file is no ledger, or cannot be read.</exception>
    public static BudgetVerification Verify(string path)
    {
        using var connection = SqliteStatements.Open(path, SqliteOpenMode.ReadOnly);
        using var snapshot = connection.BeginTransaction(deferred: true);
        using var find = connection.Prepare("SELECT state, entry FROM reservations WHERE request_id = $0", 1);
        var replay = new LedgerReplay();
        foreach (var entry in AuditLog.Read(connection, long.MinValue))
        {
            Apply(replay, entry, find);
        }

        CompareReservations(replay, connection);
        var drift = CompareAccounts(replay, [.. LedgerTables.ReadAccounts(connection)]);
        return new BudgetVerification(drift, replay.Accounts.Count, replay.Movements, replay.Problems);
    }

    /// <summary>Every account of the ledger at <paramref name="path"/> as it stands.</summary>
    /// <param name="now">Decides which windows have ended.</param>
    /// <exception cref="SqliteException">The file is no ledger, or cannot be read.</exception>
    public static IReadOnlyList<AccountState> Accounts(string path, DateTimeOffset now)
    {
        using var connection = SqliteStatements.Open(path, SqliteOpenMode.ReadOnly);
        return [.. LedgerTables.ReadAccounts(connection).Select(account => account.At(now).ToState())];
    }

    private static void Apply(LedgerReplay replay, StoredAuditEntry entry, SqliteCommand find)
    {
        try
        {
            replay.Apply(entry);
        }
        catch (JsonException damaged)
        {
            replay.Report($"entry {entry.Index}: unreadable details ({damaged.Message})");
        }

        // One row per request id, naming the entry that admitted it: a second admission of the same id cannot agree with it.
        if (LedgerReplay.Admits(entry) && FindEntry(find, entry.RequestId) != entry.Index)
        {
            replay.Report($"entry {entry.Index}: request {entry.RequestId} is admitted, but its row does not say so");
        }
    }

    private static long? FindEntry(SqliteCommand find, string requestId)
    {
        find.Parameters[0].Value = requestId;
        using var row = find.ExecuteReader();
        return row.Read() ? row.GetInt64(1) : null;
    }

    private static void CompareReservations(LedgerReplay replay, SqliteConnection connection)
    {
        var stored = LedgerTables.ReadOpenReservations(connection).Select(reservation => reservation.RequestId).ToHashSet(StringComparer.Ordinal);
        foreach (var id in stored.Except(replay.Open))
        {
            replay.Report($"request {id} is stored as open, but its entries settle it or never admit it");
        }

        foreach (var id in replay.Open.Where(id => !stored.Contains(id)))
        {
            replay.Report($"request {id} is stored as settled, but no entry settles it");
        }
    }

    private static Int128 CompareAccounts(LedgerReplay replay, IReadOnlyList<Account> stored)
    {
        Int128 drift = 0;
        foreach (var account in stored)
        {
            if (!replay.Accounts.TryGetValue(account.Policy.Id.Value, out var replayed))
            {
                replay.Report($"{account.Policy.Id} is stored, but no entry opens it");
                drift += (Int128)account.Spent.Value + account.Reserved.Value;
                continue;
            }

            drift += Compare(replay, account, replayed);
        }

        foreach (var missing in replay.Accounts.Keys.Except(stored.Select(account => account.Policy.Id.Value)))
        {
            replay.Report($"{missing} has entries, but is not stored");
            drift += replay.Accounts[missing].Spent + replay.Accounts[missing].Reserved;
        }

        return drift;
    }

    private static Int128 Compare(LedgerReplay replay, Account stored, ReplayedAccount replayed)
    {
        var drift = Int128.Abs(stored.Spent.Value - replayed.Spent) + Int128.Abs(stored.Reserved.Value - replayed.Reserved)
            + Int128.Abs(stored.Policy.Budget.Value - (Int128)replayed.Budget);
        if (drift != 0 || stored.Window.StartsAt != replayed.Window)
        {
            replay.Report(
                $"{stored.Policy.Id} is stored with {stored.Spent.Value} spent, {stored.Reserved.Value} held of {stored.Policy.Budget.Value} in window {stored.Window.StartsAt}, "
                + $"but its entries give {replayed.Spent} spent, {replayed.Reserved} held of {replayed.Budget} in window {replayed.Window}");
        }

        return drift;
    }
}
