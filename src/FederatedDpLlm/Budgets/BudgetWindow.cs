namespace FederatedDpLlm.Budgets;

/// <summary>
/// The stretch of time for which a quota's budget stands. It is known by its start; only its end decides when the next one opens, so a clock that steps back
/// never re-opens it.
/// </summary>
/// <param name="StartsAt">Unix seconds; 0 where the account never refills.</param>
/// <param name="EndsAt">Unix seconds; null where the account never refills.</param>
internal readonly record struct BudgetWindow(long StartsAt, long? EndsAt)
{
    public DateTimeOffset? ResetsAt => EndsAt is { } end ? DateTimeOffset.FromUnixTimeSeconds(end) : null;

    /// <summary>The window of <paramref name="schedule"/> that holds <paramref name="now"/>, between UTC borders.</summary>
    public static BudgetWindow At(ResetSchedule schedule, DateTimeOffset now)
    {
        var today = new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero);
        return schedule switch
        {
            ResetSchedule.Daily => Between(today, today.AddDays(1)),
            ResetSchedule.Weekly => Between(Monday(today), Monday(today).AddDays(7)),
            ResetSchedule.Monthly => Between(today.AddDays(1 - today.Day), today.AddDays(1 - today.Day).AddMonths(1)),
            _ => new BudgetWindow(0, null),
        };
    }

    public bool HasEnded(DateTimeOffset now) => EndsAt is { } end && now.ToUnixTimeMilliseconds() >= end * 1000;

    private static BudgetWindow Between(DateTimeOffset start, DateTimeOffset end) => new(start.ToUnixTimeSeconds(), end.ToUnixTimeSeconds());

    private static DateTimeOffset Monday(DateTimeOffset day) => day.AddDays(-(((int)day.DayOfWeek + 6) % 7));
}
