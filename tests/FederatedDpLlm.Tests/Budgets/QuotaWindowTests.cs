using FederatedDpLlm.Budgets;
using Microsoft.Extensions.Time.Testing;

namespace FederatedDpLlm.Tests.Budgets;

public sealed class QuotaWindowTests : IDisposable
{
    private static readonly DateTimeOffset Wednesday = new(2026, 11, 18, 10, 0, 0, TimeSpan.Zero);

    private readonly LedgerFolder _folder = new();
    private readonly FakeTimeProvider _clock = new(Wednesday);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(ResetSchedule.Daily, "2026-11-19")]
    [InlineData(ResetSchedule.Weekly, "2026-11-23")]
    [InlineData(ResetSchedule.Monthly, "2026-12-01")]
    public async Task A_quota_refills_at_its_border_in_UTC_and_not_a_moment_before(ResetSchedule schedule, string border)
    {
        await using var ledger = await _folder.OpenAsync(_clock);
        await ledger.Ensure(LedgerFolder.Quota("a", 10, schedule));
        await ledger.Reserve("r1", ("a", 10));
        await ledger.Commit("r1", ("a", 10));
        var resetsAt = ledger.Find(new AccountId("a"))!.ResetsAt!.Value;
        Assert.Equal(border, resetsAt.ToString("yyyy-MM-dd", null));
        Assert.Equal((TimeSpan.Zero, TimeSpan.Zero), (resetsAt.Offset, resetsAt.TimeOfDay));

        _clock.SetUtcNow(resetsAt.AddMilliseconds(-1));
        Assert.IsType<ReserveOutcome.Exhausted>(await ledger.Reserve("r2", ("a", 1)));
        Assert.Equal((10, 0, 0), ledger.Balance("a"));
        _clock.SetUtcNow(resetsAt);
        Assert.Equal((0, 0, 10), ledger.Balance("a"));
        Assert.IsType<ReserveOutcome.Reserved>(await ledger.Reserve("r2", ("a", 10)));
    }

    [Theory]
    [InlineData("2026-11-22T23:59:59Z", "2026-11-16", "2026-11-23")]
    [InlineData("2026-11-23T00:00:00Z", "2026-11-23", "2026-11-30")]
    [InlineData("2028-02-29T12:00:00Z", "2028-02-28", "2028-03-06")]
    public void A_week_runs_from_Monday_to_Monday(string now, string start, string end) => AssertWindow(ResetSchedule.Weekly, now, start, end);

    [Theory]
    [InlineData("2028-02-29T12:00:00Z", "2028-02-01", "2028-03-01")]
    [InlineData("2026-12-31T23:59:59Z", "2026-12-01", "2027-01-01")]
    [InlineData("2027-01-01T01:30:00+02:00", "2026-12-01", "2027-01-01")]
    public void A_month_runs_from_its_first_to_the_next(string now, string start, string end) => AssertWindow(ResetSchedule.Monthly, now, start, end);

    [Fact]
    public async Task A_clock_that_steps_back_refills_nothing_also_after_a_restart()
    {
        await using (var ledger = await _folder.OpenAsync(_clock))
        {
            await ledger.Ensure(LedgerFolder.Quota("a", 10));
            await Spend(ledger, "wednesday", 10);
            _clock.Advance(TimeSpan.FromDays(1));
            await Spend(ledger, "thursday", 10);
        }

        var back = new FakeTimeProvider(Wednesday.AddDays(-30));
        await using (var ledger = await _folder.OpenAsync(back))
        {
            Assert.Equal((10, 0, 0), ledger.Balance("a"));
            Assert.IsType<ReserveOutcome.Exhausted>(await ledger.Reserve("r", ("a", 1)));
            // Nor does running through a border that has passed already.
            back.Advance(TimeSpan.FromDays(30));
            Assert.IsType<ReserveOutcome.Exhausted>(await ledger.Reserve("r", ("a", 1)));
            back.Advance(TimeSpan.FromDays(2));
            Assert.IsType<ReserveOutcome.Reserved>(await ledger.Reserve("r", ("a", 10)));
        }

        Assert.True(LedgerVerifier.Verify(_folder.Path).Ok);
    }

    [Fact]
    public async Task A_clock_that_leaps_ahead_refills_nothing_writes_nothing_and_all_is_well_when_it_is_set_right()
    {
        var clock = new SteppingClock(Wednesday);
        await using (var ledger = await _folder.OpenAsync(clock))
        {
            await ledger.Ensure(LedgerFolder.Quota("a", 10));
            await Spend(ledger, "wednesday", 10);
            clock.Step(TimeSpan.FromDays(400));
            Assert.Equal((10, 0, 0), ledger.Balance("a"));
            Assert.Contains("leapt 9600 hours ahead", (await Assert.ThrowsAsync<BudgetStoreException>(() => ledger.Reserve("r", ("a", 1)))).Message, StringComparison.Ordinal);
            Assert.Contains("leapt 9600 hours ahead", ledger.Trouble, StringComparison.Ordinal);
            Assert.False(ledger.IsAvailable);

            clock.Step(TimeSpan.FromDays(-400));
            Assert.IsType<ReserveOutcome.Exhausted>(await ledger.Reserve("r", ("a", 1)));
            Assert.True(ledger.IsAvailable);
            clock.Pass(TimeSpan.FromDays(1));
            Assert.IsType<ReserveOutcome.Reserved>(await ledger.Reserve("thursday", ("a", 10)));
        }

        Assert.True(LedgerVerifier.Verify(_folder.Path).Ok);
    }

    [Fact]
    public async Task A_start_under_a_clock_that_was_years_ahead_is_told_from_then_on()
    {
        await using (var ledger = await _folder.OpenAsync(new FakeTimeProvider(Wednesday.AddDays(800))))
        {
            await ledger.Ensure(LedgerFolder.Quota("a", 10));
            await Spend(ledger, "once", 10);
            Assert.Null(ledger.Trouble);
        }

        await using (var ledger = await _folder.OpenAsync(_clock))
        {
            Assert.False(ledger.IsAvailable);
            Assert.Contains("last entry is of 2029-01-26", ledger.Trouble, StringComparison.Ordinal);
            Assert.Contains("19200 hours ahead", ledger.Trouble, StringComparison.Ordinal);

            // What is left may be spent; it is not more than the policy says.
            Assert.IsType<ReserveOutcome.Exhausted>(await ledger.Reserve("r", ("a", 1)));
            _clock.Advance(TimeSpan.FromDays(799));
            Assert.Null(ledger.Trouble);
        }

        Assert.True(LedgerVerifier.Verify(_folder.Path).Ok);
    }

    [Fact]
    public async Task Many_small_leaps_add_up_to_one_that_is_not_believed()
    {
        var clock = new SteppingClock(Wednesday);
        await using var ledger = await _folder.OpenAsync(clock);
        await ledger.Ensure(LedgerFolder.Quota("a", 10));
        var refills = 0;
        for (var leap = 0; leap < 24; leap++)
        {
            try
            {
                refills += await ledger.Reserve($"r{leap}", ("a", 10)) is ReserveOutcome.Reserved ? 1 : 0;
            }
            catch (BudgetStoreException)
            {
                // Too far ahead.
            }

            clock.Step(TimeSpan.FromHours(8));
        }

        // Its own day's, and one that a leap of less than a day may open too early.
        Assert.Equal(2, refills);
    }

    [Fact]
    public async Task A_ledger_whose_accounts_never_refill_does_not_mind_what_day_it_is()
    {
        var clock = new SteppingClock(Wednesday);
        await using var ledger = await _folder.OpenAsync(clock);
        await ledger.Ensure(LedgerFolder.DataAccount("data:h/b", 10));
        clock.Step(TimeSpan.FromDays(400));
        Assert.IsType<ReserveOutcome.Reserved>(await ledger.Reserve("r", ("data:h/b", 10)));
        Assert.IsType<ReserveOutcome.Exhausted>(await ledger.Reserve("r2", ("data:h/b", 1)));
    }

    [Fact]
    public async Task A_hold_made_before_midnight_is_charged_to_the_day_that_held_it()
    {
        await using (var ledger = await _folder.OpenAsync(_clock))
        {
            await ledger.Ensure(LedgerFolder.Quota("a", 10));
            await ledger.Ensure(LedgerFolder.DataAccount("data:h/b", 10));
            await ledger.Reserve("late", ("a", 6), ("data:h/b", 6));
            await ledger.Reserve("later", ("a", 4), ("data:h/b", 4));
            _clock.Advance(TimeSpan.FromDays(1));
            Assert.Equal((0, 0, 10), ledger.Balance("a"));

            // Settled in the new day before and after the new day's first hold.
            await ledger.Commit("late", ("a", 6), ("data:h/b", 6));
            Assert.Equal((0, 0, 10), ledger.Balance("a"));
            Assert.IsType<ReserveOutcome.Reserved>(await ledger.Reserve("today", ("a", 10)));
            await ledger.Commit("later", ("a", 4), ("data:h/b", 4));
            Assert.Equal((0, 10, 0), ledger.Balance("a"));
            Assert.Equal((10, 0, 0), ledger.Balance("data:h/b"));
        }

        var found = LedgerVerifier.Verify(_folder.Path);
        Assert.Empty(found.Problems);
        Assert.Equal(0, found.Drift);
        await using var again = await _folder.OpenAsync(_clock);
        Assert.Equal((10, 0, 0), again.Balance("a"));
    }

    [Fact]
    public async Task A_data_account_never_refills()
    {
        await using var ledger = await _folder.OpenAsync(_clock);
        await ledger.Ensure(LedgerFolder.DataAccount("data:h/b", 10));
        await ledger.Reserve("r1", ("data:h/b", 10));
        await ledger.Commit("r1", ("data:h/b", 10));
        _clock.Advance(TimeSpan.FromDays(4000));
        Assert.Equal((10, 0, 0), ledger.Balance("data:h/b"));
        Assert.Null(ledger.Find(new AccountId("data:h/b"))!.ResetsAt);
        Assert.IsType<ReserveOutcome.Exhausted>(await ledger.Reserve("r2", ("data:h/b", 1)));
    }

    [Fact]
    public async Task A_changed_policy_keeps_what_was_spent_and_held()
    {
        await using (var ledger = await _folder.OpenAsync(_clock))
        {
            await ledger.Ensure(LedgerFolder.Quota("a", 10));
            await Spend(ledger, "r1", 6);
            await ledger.Reserve("r2", ("a", 2));

            await ledger.Ensure(LedgerFolder.Quota("a", 7, ResetSchedule.Monthly));
            Assert.Equal((6, 2, 0), ledger.Balance("a"));
            Assert.Equal(new DateTimeOffset(2026, 12, 1, 0, 0, 0, TimeSpan.Zero), ledger.Find(new AccountId("a"))!.ResetsAt);
            await ledger.Commit("r2", ("a", 2));

            await ledger.Ensure(LedgerFolder.Quota("a", 20, ResetSchedule.Weekly));
            Assert.Equal((8, 0, 12), ledger.Balance("a"));
            _clock.SetUtcNow(new DateTimeOffset(2026, 11, 23, 0, 0, 0, TimeSpan.Zero));
            Assert.Equal((0, 0, 20), ledger.Balance("a"));
        }

        Assert.Empty(LedgerVerifier.Verify(_folder.Path).Problems);
        await using var again = await _folder.OpenAsync(_clock);
        Assert.Equal((0, 0, 20), again.Balance("a"));
    }

    [Fact]
    public async Task A_policy_in_another_currency_waits_until_nothing_is_spent_in_the_old_one()
    {
        await using var ledger = await _folder.OpenAsync(_clock);
        await ledger.Ensure(LedgerFolder.Quota("a", 10));
        await Spend(ledger, "r1", 1);
        var inRho = new AccountPolicy(new AccountId("a"), AccountKind.Quota, Composition.Zcdp, 1, 1e-6, ResetSchedule.Daily);
        await Assert.ThrowsAsync<InvalidOperationException>(() => ledger.Ensure(inRho));
        await Assert.ThrowsAsync<InvalidOperationException>(() => ledger.Ensure(LedgerFolder.DataAccount("a", 10)));
        Assert.Equal((1, 0, 9), ledger.Balance("a"));
        _clock.Advance(TimeSpan.FromDays(1));
        await ledger.Ensure(inRho);
        Assert.Equal(Composition.Zcdp, ledger.Find(new AccountId("a"))!.Policy.Composition);
    }

    private static async Task Spend(SqliteBudgetLedger ledger, string id, long units)
    {
        Assert.IsType<ReserveOutcome.Reserved>(await ledger.Reserve(id, ("a", units)));
        await ledger.Commit(id, ("a", units));
    }

    private static void AssertWindow(ResetSchedule schedule, string now, string start, string end)
    {
        var window = BudgetWindow.At(schedule, DateTimeOffset.Parse(now, null));
        Assert.Equal((start, end), (Day(window.StartsAt), Day(window.EndsAt!.Value)));

        static string Day(long seconds) => DateTimeOffset.FromUnixTimeSeconds(seconds).ToString("yyyy-MM-dd", null);
    }
}
