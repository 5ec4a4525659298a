using FederatedDpLlm.Budgets;
using Microsoft.Extensions.Time.Testing;

namespace FederatedDpLlm.Tests.Budgets;

/// <summary>
/// Audits that measure what a ledger really lets out, against what it promises: the product's ledger passes each, and one with a well-known mistake (of public code, or of a plausible rewrite) fails it. A test of a
/// ledger that no mistake can fail would be worth nothing.
/// </summary>
public sealed class BrokenLedgerTests : IDisposable
{
    private const long Budget = 10;
    private readonly LedgerFolder _folder = new();
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 18, 10, 0, 0, TimeSpan.Zero));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Requests_that_race_are_caught_where_checking_and_spending_are_two_steps()
    {
        await using var ledger = await _folder.OpenAsync(_clock);
        await ledger.Ensure(LedgerFolder.DataAccount("a", Budget));
        Assert.Equal(Budget, await ReleasedByARace(new Product(ledger)));
        Assert.True(await ReleasedByARace(new CheckThenSpend()) > Budget);
    }

    [Fact]
    public async Task A_refund_after_the_answer_was_seen_is_caught()
    {
        await using var ledger = await _folder.OpenAsync(_clock);
        await ledger.Ensure(LedgerFolder.DataAccount("a", Budget));
        Assert.Equal(Budget, await ReleasedByRefunds(new Product(ledger)));
        Assert.True(await ReleasedByRefunds(new RefundsWhatWasSeen()) > Budget);
    }

    [Fact]
    public async Task A_data_account_that_refills_at_a_border_is_caught()
    {
        await using var ledger = await _folder.OpenAsync(_clock);
        await ledger.Ensure(LedgerFolder.DataAccount("a", Budget));
        Assert.Equal(Budget, await ReleasedAroundABorder(new Product(ledger)));

        // A tumbling window lets twice its budget out inside one window's length, which is why it may be a quota and nothing else.
        Assert.Equal(2 * Budget, await ReleasedAroundABorder(new Tumbling(_clock)));
        await ledger.Ensure(LedgerFolder.Quota("quota", Budget));
        Assert.Equal(2 * Budget, await ReleasedAroundABorder(new Product(ledger, "quota")));
    }

    [Fact]
    public async Task A_retry_that_draws_again_is_caught()
    {
        await using var ledger = await _folder.OpenAsync(_clock);
        await ledger.Ensure(LedgerFolder.DataAccount("a", Budget));
        Assert.Equal(1, await DrawnByRetries(new Product(ledger)));
        Assert.True(await DrawnByRetries(new RefundsWhatWasSeen()) > 1);
    }

    // 64 askers at once for one unit each.
    private static async Task<long> ReleasedByARace(ISpending ledger)
    {
        var start = new TaskCompletionSource();
        var askers = Enumerable.Range(0, 64).Select(i => Task.Run(async () =>
        {
            await start.Task;
            return await ledger.Admit($"race{i}", 1) ? 1 : 0;
        })).ToList();
        start.SetResult();
        return (await Task.WhenAll(askers)).Sum();
    }

    // Each answer is seen; then the asker reports it lost, and hopes for its price.
    private static async Task<long> ReleasedByRefunds(ISpending ledger)
    {
        var released = 0L;
        for (var i = 0; i < 50; i++)
        {
            if (await ledger.Admit($"refund{i}", 1))
            {
                released++;
                await ledger.Answered($"refund{i}", 1);
                await ledger.ReportLost($"refund{i}");
            }
        }

        return released;
    }

    // All that is left just before midnight, and all that is left just after it.
    private async Task<long> ReleasedAroundABorder(ISpending ledger)
    {
        var midnight = _clock.GetUtcNow().UtcDateTime.Date.AddDays(1);
        _clock.SetUtcNow(new DateTimeOffset(midnight, TimeSpan.Zero).AddSeconds(-1));
        var released = 0L;
        for (var i = 0; i < 50; i++)
        {
            if (i == 25)
            {
                _clock.Advance(TimeSpan.FromSeconds(2));
            }

            if (await ledger.Admit($"border{i}", 1))
            {
                released++;
                await ledger.Answered($"border{i}", 1);
            }
        }

        return released;
    }

    // One request, asked again and again under its id: noise is drawn once.
    private static async Task<long> DrawnByRetries(ISpending ledger)
    {
        var drawn = 0L;
        for (var i = 0; i < 5; i++)
        {
            if (await ledger.Admit("same", 1))
            {
                drawn++;
                await ledger.Answered("same", 1);
            }

            await ledger.ReportLost("same");
        }

        return drawn;
    }

    private interface ISpending
    {
        Task<bool> Admit(string id, long units);

        Task Answered(string id, long units);

        Task ReportLost(string id);
    }

    private sealed class Product(SqliteBudgetLedger ledger, string account = "a") : ISpending
    {
        public async Task<bool> Admit(string id, long units) => await ledger.Reserve(account + id, (account, units)) is ReserveOutcome.Reserved;

        public Task Answered(string id, long units) => ledger.Commit(account + id, (account, units));

        // A settled reservation returns nothing.
        public Task ReportLost(string id) => Assert.ThrowsAsync<InvalidOperationException>(() => ledger.Release(account + id));
    }

    /// <summary>Reads the balance, decides, and writes it: diffprivlib's accountant, for one, takes no lock.</summary>
    private sealed class CheckThenSpend : ISpending
    {
        private readonly TaskCompletionSource _manyHaveRead = new();
        private long _spent;
        private int _readers;

        // The unlucky schedule, made certain: many have read before the first writes.
        public async Task<bool> Admit(string id, long units)
        {
            var seen = Volatile.Read(ref _spent);
            if (Interlocked.Increment(ref _readers) == 2 * Budget)
            {
                _manyHaveRead.SetResult();
            }

            if (seen + units > Budget)
            {
                return false;
            }

            await _manyHaveRead.Task;
            Volatile.Write(ref _spent, seen + units);
            return true;
        }

        public Task Answered(string id, long units) => Task.CompletedTask;

        public Task ReportLost(string id) => Task.CompletedTask;
    }

    private sealed class RefundsWhatWasSeen : ISpending
    {
        private long _spent;

        public Task<bool> Admit(string id, long units)
        {
            var admitted = _spent + units <= Budget;
            _spent += admitted ? units : 0;
            return Task.FromResult(admitted);
        }

        public Task Answered(string id, long units) => Task.CompletedTask;

        public Task ReportLost(string id)
        {
            _spent--;
            return Task.CompletedTask;
        }
    }

    private sealed class Tumbling(TimeProvider clock) : ISpending
    {
        private long _spent;
        private DateTime _day;

        public Task<bool> Admit(string id, long units)
        {
            if (clock.GetUtcNow().UtcDateTime.Date is var today && today != _day)
            {
                (_day, _spent) = (today, 0);
            }

            var admitted = _spent + units <= Budget;
            _spent += admitted ? units : 0;
            return Task.FromResult(admitted);
        }

        public Task Answered(string id, long units) => Task.CompletedTask;

        public Task ReportLost(string id) => Task.CompletedTask;
    }
}
