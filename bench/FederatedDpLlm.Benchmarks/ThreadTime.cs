using System.Runtime.InteropServices;

namespace FederatedDpLlm.Benchmarks;

/// <summary>
/// Processor time of the calling thread, as <c>openssl speed</c> measures: what other processes take away does not count, so that a claim about one thread
/// can be compared with its peer on a machine that is not quiet.
/// </summary>
internal static partial class ThreadTime
{
    private const int ThreadClock = 3;

    public static double Seconds => OperatingSystem.IsLinux() && clock_gettime(ThreadClock, out var time) == 0
        ? time.Seconds + (time.Nanoseconds * 1e-9)
        : TimeProvider.System.GetTimestamp() / (double)TimeProvider.System.TimestampFrequency;

    [LibraryImport("libc")]
    private static partial int clock_gettime(int clock, out TimeSpecification time);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpecification
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
