using FederatedDpLlm.Budgets;
using FederatedDpLlm.Security.Audit;
using FederatedDpLlm.Tests.Budgets;
using Microsoft.Data.Sqlite;

namespace FederatedDpLlm.Tests.Security.Audit;

/// <summary>A laboratory of forgeries: each is made by someone who can write the file, each is found, with the first bad index.</summary>
public sealed class AuditTamperTests : IAsyncLifetime
{
    private readonly LedgerFolder _folder = new();

    // Entries: 0 and 1 open accounts; 2..21 are ten requests, each admitted and answered; 22 is a refusal.
    public async ValueTask InitializeAsync()
    {
        await using var ledger = await _folder.OpenAsync();
        await ledger.Ensure(LedgerFolder.Quota("user:alice", 1000));
        await ledger.Ensure(LedgerFolder.DataAccount("data:h/b", 1000));
        for (var i = 0; i < 10; i++)
        {
            await ledger.Reserve($"r{i}", ("user:alice", 10), ("data:h/b", 10));
            await ledger.Commit($"r{i}", ("user:alice", 7), ("data:h/b", 8));
        }

        await ledger.Reserve("too much", ("user:alice", 5000));
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public void An_untouched_log_holds()
    {
        var found = AuditLog.Verify(_folder.Path);
        Assert.Equal((23, null, null), (found.Entries, found.FirstBad, found.Problem));
        Assert.Equal(64, found.Head.Length);
        var balances = LedgerVerifier.Verify(_folder.Path);
        Assert.Equal((true, 2, 40L), (balances.Ok, balances.Accounts, balances.Entries));
    }

    [Theory]
    [InlineData("UPDATE audit_entries SET details = replace(details, 'cardiology', 'oncology') WHERE number = 5", 5)]
    [InlineData("UPDATE audit_entries SET details = ' ' || details WHERE number = 5", 5)]
    [InlineData("UPDATE audit_entries SET actor = 'mallory' WHERE number = 2", 2)]
    [InlineData("UPDATE audit_entries SET decision = 'Refused' WHERE number = 4", 4)]
    [InlineData("UPDATE audit_entries SET request_id = 'r99' WHERE number = 0", 0)]
    [InlineData("UPDATE audit_entries SET time = time + 1 WHERE number = 22", 22)]
    [InlineData("UPDATE audit_entries SET hash = zeroblob(32) WHERE number = 7", 7)]
    [InlineData("UPDATE audit_entries SET previous = zeroblob(32) WHERE number = 7", 7)]
    [InlineData("DELETE FROM audit_entries WHERE number = 0", 0)]
    [InlineData("DELETE FROM audit_entries WHERE number = 9", 9)]
    [InlineData("DELETE FROM audit_entries WHERE number BETWEEN 9 AND 12", 9)]
    [InlineData("DELETE FROM audit_entries WHERE number = 9; UPDATE audit_entries SET number = number - 1 WHERE number > 9", 9)]
    [InlineData("DELETE FROM audit_entries WHERE number = 22", 22)]
    [InlineData("DELETE FROM audit_entries WHERE number >= 20; DELETE FROM movements WHERE entry >= 20", 20)]
    [InlineData("DELETE FROM audit_entries WHERE number >= 20; UPDATE audit_head SET entries = 20, hash = (SELECT hash FROM audit_entries WHERE number = 19)", 20)]
    [InlineData("DELETE FROM audit_entries; UPDATE audit_head SET entries = 0, hash = zeroblob(32)", 0)]
    [InlineData("UPDATE audit_head SET entries = 20", 20)]
    [InlineData("UPDATE audit_head SET hash = zeroblob(32)", 22)]
    [InlineData("UPDATE movements SET spent = 0 WHERE entry = 3 AND position = 0", 3)]
    [InlineData("UPDATE movements SET held = held + 1 WHERE entry = 8 AND position = 1", 8)]
    [InlineData("UPDATE movements SET window = 0 WHERE entry = 8 AND position = 0", 8)]
    [InlineData("UPDATE movements SET account = 'user:bob' WHERE entry = 8 AND position = 0", 8)]
    [InlineData("DELETE FROM movements WHERE entry = 8 AND position = 1", 8)]
    [InlineData("UPDATE movements SET entry = -1 WHERE entry = 8", 0)]
    [InlineData("INSERT INTO movements VALUES(9, 9, 'user:alice', 0, 0, -7)", 9)]
    [InlineData("INSERT INTO movements VALUES(1000, 0, 'user:alice', 0, 0, -7)", 23)]
    [InlineData("UPDATE audit_entries SET number = -1 WHERE number = 6; UPDATE audit_entries SET number = 6 WHERE number = 8; UPDATE audit_entries SET number = 8 WHERE number = -1", 6)]
    public void A_forgery_is_found_at_its_first_bad_index(string sql, long firstBad)
    {
        Tamper(sql);
        var found = AuditLog.Verify(_folder.Path);
        Assert.False(found.Ok);
        Assert.Equal(firstBad, found.FirstBad);
        Assert.NotNull(found.Problem);
    }

    [Fact]
    public void A_forger_who_also_recomputes_the_forged_entrys_own_hash_is_found_at_it()
    {
        using var connection = Open();
        var row = AuditLog.Read(connection, 0).Single(entry => entry.Index == 10) with { Actor = "mallory" };
        var hash = Convert.ToHexString(AuditEncoding.Hash(row));
        Tamper($"UPDATE audit_entries SET actor = 'mallory', hash = x'{hash}' WHERE number = 10");
        Assert.Equal(10, AuditLog.Verify(_folder.Path).FirstBad);
    }

    [Fact]
    public void A_forger_who_rewrites_the_whole_tail_is_found_by_the_stored_head_and_with_it_by_a_head_kept_elsewhere()
    {
        var kept = AuditLog.Verify(_folder.Path).Head;
        RewriteFrom(10, row => row with { Actor = "mallory" });
        var found = AuditLog.Verify(_folder.Path);
        Assert.Equal(22, found.FirstBad);

        using (var connection = Open())
        {
            var last = Convert.ToHexString(AuditLog.Read(connection, 22).Single().Hash);
            Tamper($"UPDATE audit_head SET hash = x'{last}'");
        }

        var forged = AuditLog.Verify(_folder.Path);
        Assert.True(forged.Ok);
        Assert.NotEqual(kept, forged.Head);
    }

    [Theory]
    [InlineData("UPDATE accounts SET spent = 0 WHERE id = 'user:alice'", 70)]
    [InlineData("UPDATE accounts SET budget = 5000 WHERE id = 'user:alice'", 4000)]
    [InlineData("UPDATE accounts SET reserved = 3 WHERE id = 'data:h/b'", 3)]
    [InlineData("UPDATE accounts SET window_start = window_start + 86400 WHERE id = 'user:alice'", 0)]
    [InlineData("DELETE FROM accounts WHERE id = 'user:alice'", 70)]
    [InlineData("UPDATE reservations SET state = 0 WHERE request_id = 'r3'", 0)]
    [InlineData("DELETE FROM reservations WHERE request_id = 'r3'", 0)]
    [InlineData("UPDATE movements SET spent = 11 WHERE entry = 3 AND position = 0", 4)]
    [InlineData("UPDATE movements SET spent = -7 WHERE entry = 3 AND position = 0", 14)]
    [InlineData("UPDATE movements SET held = 2000 WHERE entry = 4 AND position = 0", 1990)]
    [InlineData("UPDATE audit_entries SET details = replace(details, '\"budgetUnits\":\"1000\"', '\"budgetUnits\":\"70\"') WHERE number = 0", 930)]
    public void A_forged_balance_policy_or_reservation_is_found_by_the_recomputation(string sql, long drift)
    {
        Tamper(sql);
        var found = LedgerVerifier.Verify(_folder.Path);
        Assert.False(found.Ok);
        Assert.NotEmpty(found.Problems);
        Assert.Equal(drift, found.Drift);
    }

    [Fact]
    public async Task Reading_and_verifying_go_on_while_the_ledger_is_written()
    {
        await using var ledger = await _folder.OpenAsync();
        var writing = Task.WhenAll(Enumerable.Range(0, 200).Select(i => ledger.Reserve($"more{i}", ("user:alice", 1))));
        do
        {
            Assert.Null(AuditLog.Verify(_folder.Path).Problem);
            Assert.Empty(LedgerVerifier.Verify(_folder.Path).Problems);
        }
        while (!writing.IsCompleted);

        await writing;
        Assert.Equal(223, AuditLog.Verify(_folder.Path).Entries);
    }

    private void RewriteFrom(long index, Func<StoredAuditEntry, StoredAuditEntry> change)
    {
        List<StoredAuditEntry> rows;
        using (var connection = Open())
        {
            rows = [.. AuditLog.Read(connection, index)];
        }

        var previous = rows[0].Previous;
        foreach (var row in rows)
        {
            var forged = change(row) with { Previous = previous };
            previous = AuditEncoding.Hash(forged);
            Tamper($"UPDATE audit_entries SET actor = '{forged.Actor}', previous = x'{Convert.ToHexString(forged.Previous)}', hash = x'{Convert.ToHexString(previous)}' WHERE number = {row.Index}");
        }
    }

    private void Tamper(string sql)
    {
        using var connection = Open();
        using var command = connection.CreateCommand();
        command.CommandText = """
            DROP TRIGGER IF EXISTS audit_entries_keep; DROP TRIGGER IF EXISTS audit_entries_stay;
            DROP TRIGGER IF EXISTS movements_keep; DROP TRIGGER IF EXISTS movements_stay;
            """ + sql;
        command.ExecuteNonQuery();
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection($"Data Source={_folder.Path};Pooling=False");
        connection.Open();
        return connection;
    }
}
