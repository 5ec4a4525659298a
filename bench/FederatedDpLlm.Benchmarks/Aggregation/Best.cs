using System.Diagnostics;

namespace FederatedDpLlm.Benchmarks.Aggregation;

/// <summary>The shortest of several runs: what other processes take away only ever adds to a run.</summary>
internal static class Best
{
    /// <summary>Processor seconds of the shortest of <paramref name="runs"/> runs on this thread, after one that warms up.</summary>
    public static double OfThread(int runs, Action action)
    {
        action();
        var best = double.PositiveInfinity;
        for (var run = 0; run < runs; run++)
        {
            var started = ThreadTime.Seconds;
            action();
            best = Math.Min(best, ThreadTime.Seconds - started);
        }

        return best;
    }

    /// <summary>Seconds on the clock of one run.</summary>
    public static double Once(Action action)
    {
        var clock = Stopwatch.StartNew();
        action();
        return clock.Elapsed.TotalSeconds;
    }
}
