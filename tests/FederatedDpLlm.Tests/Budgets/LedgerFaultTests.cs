using FederatedDpLlm.Budgets;
using FederatedDpLlm.Security.Audit;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace FederatedDpLlm.Tests.Budgets;

/// <summary>A ledger whose disk fails admits nothing, says so, and goes on where the disk really stands.</summary>
public sealed class LedgerFaultTests : IAsyncLifetime
{
    private readonly LedgerFolder _folder = new();
    private readonly SqliteLedgerStore _store;
    private readonly FaultyStore _faults;
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 18, 10, 0, 0, TimeSpan.Zero));
    private SqliteBudgetLedger _ledger = null!;

    public LedgerFaultTests()
    {
        _store = new SqliteLedgerStore(_folder.Path);
        _faults = new FaultyStore(_store);
    }

    public async ValueTask InitializeAsync()
    {
        _ledger = new SqliteBudgetLedger(_faults, ownership: null, _clock, NullLogger.Instance);
        await _ledger.Ensure(LedgerFolder.Quota("a", 10));
    }

    public async ValueTask DisposeAsync()
    {
        await _ledger.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_write_that_fails_admits_nothing_and_the_ledger_recovers_when_the_disk_does()
    {
        _faults.FailBeforeWrite = true;
        await Assert.ThrowsAsync<BudgetStoreException>(() => _ledger.Reserve("r", ("a", 10)));
        Assert.False(_ledger.IsAvailable);
        Assert.Equal((0, 0, 10), _ledger.Balance("a"));
        await Assert.ThrowsAsync<BudgetStoreException>(() => _ledger.Reserve("r", ("a", 10)));

        _faults.FailBeforeWrite = false;
        Assert.IsType<ReserveOutcome.Reserved>(await _ledger.Reserve("r", ("a", 10)));
        Assert.True(_ledger.IsAvailable);
        Verify();
    }

    [Fact]
    public async Task A_ledger_that_nobody_asks_finds_by_itself_that_its_disk_is_well_again()
    {
        _faults.FailNextWrites = 3;
        await Assert.ThrowsAsync<BudgetStoreException>(() => _ledger.Reserve("r", ("a", 10)));
        Assert.Equal("the privacy ledger cannot be written", _ledger.Trouble);
        await UntilAsync(() => _ledger.IsAvailable);
        Assert.Equal((0, 0, 10), _ledger.Balance("a"));
        Assert.Equal([AuditDecision.Recovered], DecisionsOf("ledger"));
        Assert.IsType<ReserveOutcome.Reserved>(await _ledger.Reserve("r", ("a", 10)));
        Verify();
    }

    [Fact]
    public async Task A_ledger_that_waits_for_its_disk_closes_at_once()
    {
        _faults.FailBeforeWrite = true;
        await Assert.ThrowsAsync<BudgetStoreException>(() => _ledger.Reserve("r", ("a", 10)));
        await _ledger.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30), LedgerFolder.Cancel);
    }

    [Fact]
    public async Task An_admission_whose_answer_was_lost_counts_as_spent()
    {
        await _ledger.Reserve("before", ("a", 1));
        _faults.FailAfterWrite = true;
        await Assert.ThrowsAsync<BudgetStoreException>(() => _ledger.Reserve("lost", ("a", 4)));
        _faults.FailAfterWrite = false;

        Assert.True(Assert.IsType<ReserveOutcome.AlreadySeen>(await _ledger.Reserve("lost", ("a", 4))).Settled);
        Assert.Equal((4, 1, 5), _ledger.Balance("a"));
        // Who was admitted before the failure still settles as usual.
        await _ledger.Commit("before", ("a", 1));
        Assert.Equal((5, 0, 5), _ledger.Balance("a"));
        Verify();
    }

    [Fact]
    public async Task A_commit_that_failed_may_be_made_again()
    {
        await _ledger.Reserve("r", ("a", 4));
        _faults.FailBeforeWrite = true;
        await Assert.ThrowsAsync<BudgetStoreException>(() => _ledger.Commit("r", ("a", 3)));
        Assert.Equal((0, 4, 6), _ledger.Balance("a"));
        _faults.FailBeforeWrite = false;
        await _ledger.Commit("r", ("a", 3));
        Assert.Equal((3, 0, 7), _ledger.Balance("a"));
        Verify();
    }

    [Theory, InlineData(1), InlineData(5), InlineData(12)]
    public async Task A_settlement_that_cannot_be_written_is_made_again_until_it_is(int failures)
    {
        await _ledger.Reserve("answered", ("a", 4));
        await _ledger.Reserve("turned away", ("a", 2));
        _faults.FailNextWrites = failures;
        await Assert.ThrowsAsync<BudgetStoreException>(() => _ledger.Commit("answered", ("a", 3)));
        if (failures > 1)
        {
            await Assert.ThrowsAsync<BudgetStoreException>(() => _ledger.Release("turned away"));
        }
        else
        {
            await _ledger.Release("turned away");
        }

        Assert.Equal(failures > 1 ? 2 : 1, _ledger.UnsettledCount);
        Assert.Equal((0, failures > 1 ? 6 : 4, failures > 1 ? 4 : 6), _ledger.Balance("a"));
        await UntilSettledAsync();

        // The caller was told that it failed: what ran is charged, and the log says so too.
        Assert.Equal((3, 0, 7), _ledger.Balance("a"));
        Assert.True(_ledger.IsAvailable);
        Assert.Equal([AuditDecision.Admitted, AuditDecision.Failed], DecisionsOf("answered"));
        Assert.Equal(2, DecisionsOf("turned away").Count);
        Verify();
    }

    [Fact]
    public async Task A_settlement_that_reached_the_disk_while_its_answer_was_lost_is_not_made_twice()
    {
        await _ledger.Reserve("r", ("a", 4));
        _faults.FailAfterWrite = true;
        await Assert.ThrowsAsync<BudgetStoreException>(() => _ledger.Commit("r", ("a", 3)));
        _faults.FailAfterWrite = false;
        await UntilSettledAsync();
        Assert.Equal((3, 0, 7), _ledger.Balance("a"));
        Assert.Equal([AuditDecision.Admitted, AuditDecision.Answered], DecisionsOf("r"));
        Verify();
    }

    [Fact]
    public async Task A_ledger_that_closes_before_a_late_settlement_counts_it_as_spent_at_the_next_start()
    {
        await _ledger.Reserve("r", ("a", 4));
        _faults.FailBeforeWrite = true;
        await Assert.ThrowsAsync<BudgetStoreException>(() => _ledger.Commit("r", ("a", 3)));
        await _ledger.DisposeAsync();
        await using var again = await _folder.OpenAsync(_clock);
        Assert.Equal((4, 0, 6), again.Balance("a"));
        Verify();
    }

    [Fact]
    public async Task While_the_store_cannot_be_read_back_every_call_fails()
    {
        _faults.FailBeforeWrite = true;
        await Assert.ThrowsAsync<BudgetStoreException>(() => _ledger.Reserve("r", ("a", 1)));
        _faults.FailBeforeWrite = false;
        _faults.FailLoad = true;
        await Assert.ThrowsAsync<BudgetStoreException>(() => _ledger.Reserve("r", ("a", 1)));
        await Assert.ThrowsAsync<BudgetStoreException>(() => _ledger.RecordAsync(LedgerFolder.Audit(), LedgerFolder.Cancel));
        _faults.FailLoad = false;
        Assert.IsType<ReserveOutcome.Reserved>(await _ledger.Reserve("r", ("a", 1)));
    }

    [Fact]
    public async Task A_full_disk_refuses_and_nothing_that_was_acknowledged_is_lost()
    {
        // SQLite itself says "database or disk is full" when the file may not grow.
        _store.MostPages = 30;
        _faults.FailBeforeWrite = true;
        await Assert.ThrowsAsync<BudgetStoreException>(() => _ledger.Reserve("reopens with the limit", ("a", 0)));
        _faults.FailBeforeWrite = false;
        await _ledger.Ensure(LedgerFolder.Quota("b", long.MaxValue));

        var acknowledged = 0;
        BudgetStoreException? full = null;
        for (var i = 0; full is null && i < 10_000; i++)
        {
            try
            {
                Assert.IsType<ReserveOutcome.Reserved>(await _ledger.Reserve($"r{i}", ("b", 1)));
                acknowledged++;
            }
            catch (BudgetStoreException refused)
            {
                full = refused;
            }
        }

        Assert.Contains("full", full?.InnerException?.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<BudgetStoreException>(() => _ledger.Reserve("still full", ("b", 1)));
        Assert.Equal(acknowledged, _ledger.Balance("b").Reserved);
        _store.MostPages = 0;
        Assert.IsType<ReserveOutcome.Reserved>(await _ledger.Reserve("room again", ("b", 1)));
        Assert.Equal(acknowledged + 1, _ledger.Balance("b").Reserved);
        Verify();
    }

    [Fact]
    public async Task Calls_that_share_a_failed_commit_all_fail()
    {
        _faults.FailBeforeWrite = true;
        var calls = Enumerable.Range(0, 50).Select(i => _ledger.Reserve($"r{i}", ("a", 0))).ToList();
        foreach (var call in calls)
        {
            await Assert.ThrowsAsync<BudgetStoreException>(() => call);
        }

        _faults.FailBeforeWrite = false;
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 50).Select(i => _ledger.Reserve($"r{i}", ("a", 0)))), outcome => Assert.IsType<ReserveOutcome.Reserved>(outcome));
    }

    private Task UntilSettledAsync() => UntilAsync(() => _ledger.UnsettledCount == 0);

    private async Task UntilAsync(Func<bool> done)
    {
        for (var patience = 0; !done(); patience++)
        {
            Assert.True(patience < 3000, "half a minute of pauses has not mended it");
            _clock.Advance(TimeSpan.FromSeconds(30));
            await Task.Delay(10, LedgerFolder.Cancel);
        }
    }

    private IReadOnlyList<AuditDecision> DecisionsOf(string requestId) =>
        [.. AuditLog.Latest(_folder.Path, int.MaxValue).Where(entry => entry.Record.RequestId == requestId).Select(entry => entry.Record.Decision).Reverse()];

    private void Verify()
    {
        Assert.Empty(LedgerVerifier.Verify(_folder.Path).Problems);
        Assert.Null(AuditLog.Verify(_folder.Path).Problem);
    }
}
