namespace FederatedDpLlm.Tests.Budgets;

/// <summary>A wall clock that somebody sets, beside time that passes as it does: stepping moves the one, passing both.</summary>
internal sealed class SteppingClock(DateTimeOffset start) : TimeProvider
{
    private DateTimeOffset _wall = start;
    private TimeSpan _passed;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => _wall;

    public override long GetTimestamp() => _passed.Ticks;

    public void Step(TimeSpan by) => _wall += by;

    public void Pass(TimeSpan by)
    {
        _wall += by;
        _passed += by;
    }
}
