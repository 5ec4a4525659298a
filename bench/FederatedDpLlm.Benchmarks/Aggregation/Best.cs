using System.Diagnostics;

namespace FederatedDpLlm.Benchmarks.Aggregation;

/// <summary>The shortest of several runs: what other processes take away only ever adds to a run.</summary>
internal static class Best
{
    /// <summary>Seconds of the shortest of <paramref name="runs"/> runs, after one that warms up.</summary>
    public static double Of(int runs, Action action)
    {
        action();
        var best = double.PositiveInfinity;
        for (var run = 0; run < runs; run++)
        {
            best = Math.Min(best, Once(action));
        }

        return best;
    }

    /// <summary>Seconds of one run.</summary>
    public static double Once(Action action)
    {
        var clock = Stopwatch.StartNew();
        action();
        return clock.Elapsed.TotalSeconds;
    }
}
