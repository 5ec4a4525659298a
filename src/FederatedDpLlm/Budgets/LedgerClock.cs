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

    public bool IsBelieved => Ahead <= MostAhead;

    /// <summary>What to do about a clock that is not believed.</summary>
    public string Trouble => string.Create(
        CultureInfo.InvariantCulture,
        $"the clock of this machine has leapt {Ahead.TotalHours:0.#} hours ahead, so that quotas would refill early: set it right, or restart if the machine was asleep");

    private TimeSpan Ahead => clock.GetUtcNow() - _openedAt - clock.GetElapsedTime(_opened);
}
