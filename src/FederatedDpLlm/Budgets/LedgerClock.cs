using System.Globalization;

namespace FederatedDpLlm.Budgets;

/// <summary>
/// The wall clock, beside the time that has really passed since the ledger was opened. A clock that leaps ahead would refill quotas early, so a leap of more than
/// <see cref="MostAhead"/> is not believed. The monotonic clock stands still while a machine sleeps: one that slept longer than that starts its ledger anew.
/// </summary>
internal sealed class LedgerClock(TimeProvider clock)
{
    /// <summary>Small leaps are drift and short sleeps; one of this length opens at most one window too early.</summary>
    public static readonly TimeSpan MostAhead = TimeSpan.FromDays(1);

    private readonly DateTimeOffset _openedAt = clock.GetUtcNow();
    private readonly long _opened = clock.GetTimestamp();

    public DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>Ends after this much time has passed, whatever the wall clock says.</summary>
    public Task Delay(TimeSpan pause) => Task.Delay(pause, clock);

    public bool IsBelieved => Ahead <= MostAhead;

    /// <summary>What to do about a clock that is not believed.</summary>
    public string Trouble => string.Create(
        CultureInfo.InvariantCulture,
        $"the clock of this machine has leapt {Ahead.TotalHours:0.#} hours ahead, so that quotas would refill early: set it right, or restart if the machine was asleep");

    /// <summary>What to do where the ledger's own time, which never runs back, is far ahead of this machine's: an earlier start had a clock that was wrong, or this one's is. Null where it is not.</summary>
    /// <param name="ledger">The last entry's time.</param>
    public string? TroubleBehind(DateTimeOffset ledger) => ledger - Now <= MostAhead ? null : string.Create(
        CultureInfo.InvariantCulture,
        $"the ledger's last entry is of {ledger:u}, {(ledger - Now).TotalHours:0.#} hours ahead of this machine's clock, and quotas do not refill before that: set the clock right if it is this one that is wrong; if the entry's was, put this ledger aside and begin a new one, in which quotas begin anew");

    private TimeSpan Ahead => clock.GetUtcNow() - _openedAt - clock.GetElapsedTime(_opened);
}
