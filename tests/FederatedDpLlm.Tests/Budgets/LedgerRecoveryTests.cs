using FederatedDpLlm.Budgets;
using FederatedDpLlm.Security.Audit;
using Microsoft.Data.Sqlite;

namespace FederatedDpLlm.Tests.Budgets;

public sealed class LedgerRecoveryTests : IDisposable
{
    private readonly LedgerFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_was_open_when_the_process_ended_is_spent_at_the_next_start_with_its_own_entry()
    {
        await using (var ledger = await _folder.OpenAsync())
        {
            await ledger.Ensure(LedgerFolder.Quota("a", 10));
            await ledger.Ensure(LedgerFolder.DataAccount("data:h/b", 10));
            await ledger.Reserve("settled", ("a", 3), ("data:h/b", 3));
            await ledger.Commit("settled", ("a", 1), ("data:h/b", 1));
            await ledger.Reserve("open", ("a", 4), ("data:h/b", 5));
        }

        await using (var ledger = await _folder.OpenAsync())
        {
            Assert.Equal((5, 0, 5), ledger.Balance("a"));
            Assert.Equal((6, 0, 4), ledger.Balance("data:h/b"));
            Assert.True(Assert.IsType<ReserveOutcome.AlreadySeen>(await ledger.Reserve("open", ("a", 1))).Settled);
            await Assert.ThrowsAsync<InvalidOperationException>(() => ledger.Release("open"));
        }

        var recovered = Assert.Single(AuditLog.Latest(_folder.Path, 100), entry => entry.Record.Decision == AuditDecision.Recovered);
        Assert.Equal("open", recovered.Record.RequestId);
        Assert.Equal([-4, -5], recovered.Movements.Select(movement => movement.Held));
        Assert.Equal([4, 5], recovered.Movements.Select(movement => movement.Spent));
        Assert.True(LedgerVerifier.Verify(_folder.Path).Ok);
        Assert.True(AuditLog.Verify(_folder.Path).Ok);
    }

    [Fact]
    public async Task Every_balance_and_policy_is_there_again_after_a_restart()
    {
        IReadOnlyList<AccountState> before;
        await using (var ledger = await _folder.OpenAsync())
        {
            foreach (var composition in new[] { Composition.Basic, Composition.Advanced, Composition.Zcdp })
            {
                var policy = new AccountPolicy(AccountId.User($"{composition}"), AccountKind.Quota, composition, 3.3, 1e-5, ResetSchedule.Monthly);
                await ledger.Ensure(policy);
                await ledger.Reserve($"{composition}", (policy.Id.Value, 12345));
                await ledger.Commit($"{composition}", (policy.Id.Value, 1234));
            }

            await ledger.Ensure(new AccountPolicy(AccountId.Data("h", "b"), AccountKind.Data, Composition.Rdp, 3.3, 1e-5, ResetSchedule.Never, 12.5));
            before = ledger.Snapshot();
        }

        await using var again = await _folder.OpenAsync();
        Assert.Equal(before, again.Snapshot());
    }

    [Fact]
    public async Task Two_processes_cannot_write_one_ledger()
    {
        await using (await _folder.OpenAsync())
        {
            var refused = await Assert.ThrowsAsync<BudgetStoreException>(() => _folder.OpenAsync());
            Assert.Contains("in use", refused.Message, StringComparison.Ordinal);
        }

        await using var later = await _folder.OpenAsync();
        Assert.True(later.IsAvailable);
    }

    [Fact]
    public async Task A_ledger_whose_balances_do_not_follow_from_its_entries_does_not_open()
    {
        await using (var ledger = await _folder.OpenAsync())
        {
            await ledger.Ensure(LedgerFolder.Quota("a", 10));
            await ledger.Reserve("r", ("a", 10));
            await ledger.Commit("r", ("a", 10));
        }

        Execute("UPDATE accounts SET spent = 0");
        var refused = await Assert.ThrowsAsync<BudgetStoreException>(() => _folder.OpenAsync());
        Assert.Contains("budget verify", refused.Message, StringComparison.Ordinal);
        var found = LedgerVerifier.Verify(_folder.Path);
        Assert.False(found.Ok);
        Assert.Equal(10, found.Drift);
    }

    [Fact]
    public async Task A_file_that_is_no_ledger_or_of_a_later_version_is_refused_with_its_name()
    {
        await File.WriteAllTextAsync(_folder.Path, new string('x', 5000), LedgerFolder.Cancel);
        Assert.Contains(_folder.Path, (await Assert.ThrowsAsync<BudgetStoreException>(() => _folder.OpenAsync())).Message, StringComparison.Ordinal);
        File.Delete(_folder.Path);
        await (await _folder.OpenAsync()).DisposeAsync();
        Execute("PRAGMA user_version = 99");
        Assert.Contains("version 99", (await Assert.ThrowsAsync<BudgetStoreException>(() => _folder.OpenAsync())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_closed_ledger_says_so()
    {
        var ledger = await _folder.OpenAsync();
        await ledger.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => ledger.Reserve("r", ("a", 1)));
    }

    [Fact]
    public async Task A_call_cancelled_while_it_waits_holds_nothing()
    {
        await using var ledger = await _folder.OpenAsync();
        await ledger.Ensure(LedgerFolder.Quota("a", 10));
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => ledger.ReserveAsync("r", LedgerFolder.Charges(("a", 1)), LedgerFolder.Audit(), cancelled.Token));
        Assert.IsType<ReserveOutcome.Reserved>(await ledger.Reserve("r", ("a", 10)));
    }

    private void Execute(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={_folder.Path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
