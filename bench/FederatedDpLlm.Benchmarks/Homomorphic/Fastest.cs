using System.Diagnostics;

namespace FederatedDpLlm.Benchmarks.Homomorphic;

/// <summary>The fastest of many repetitions: what a neighbour's load disturbs least, and what the peer's script takes too.</summary>
internal static class Fastest
{
    public static double Microseconds(Action action, double seconds = 2)
    {
        var best = double.MaxValue;
        var end = Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency);
        for (var i = 0; i < 50 || Stopwatch.GetTimestamp() < end; i++)
        {
            var started = Stopwatch.GetTimestamp();
            action();
            best = Math.Min(best, Stopwatch.GetElapsedTime(started).TotalMicroseconds);
        }

        return best;
    }
}
