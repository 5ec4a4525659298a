using System.Globalization;

namespace FederatedDpLlm.Benchmarks;

/// <summary>Waits until the machine has little else to do; a benchmark reports the load and whether it was quiet.</summary>
internal static class QuietMachine
{
    private const double QuietLoad = 0.5;
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(3);

    public static async Task<bool> WaitAsync(CancellationToken cancellationToken)
    {
        var clock = TimeProvider.System;
        var started = clock.GetTimestamp();
        while (await BusyCoresAsync(cancellationToken) > QuietLoad)
        {
            if (clock.GetElapsedTime(started) > LongestWait)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The one-minute load average.</summary>
    public static double Load() =>
        File.Exists("/proc/loadavg") ? double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture) : double.NaN;

    // The load average lags by a minute (our own build is in it); the busy time of the next two seconds does not.
    private static async Task<double> BusyCoresAsync(CancellationToken cancellationToken)
    {
        var (busy, total) = ProcessorTimes();
        await Task.Delay(TimeSpan.FromSeconds(2), cancellationToken);
        var (busyAfter, totalAfter) = ProcessorTimes();
        return totalAfter == total ? 0 : Environment.ProcessorCount * (double)(busyAfter - busy) / (totalAfter - total);
    }

    private static (long Busy, long Total) ProcessorTimes()
    {
        if (!File.Exists("/proc/stat"))
        {
            return (0, 0);
        }

        var times = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(8).Select(long.Parse).ToArray();
        return (times.Sum() - times[3] - times[4], times.Sum());
    }
}
