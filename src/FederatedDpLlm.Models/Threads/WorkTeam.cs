using System.Diagnostics;

namespace FederatedDpLlm.Models.Threads;

/// <summary>
/// Threads that share single rows' products: a decoding step hands over a hundred jobs of some microseconds each, too short to wake a thread for. While a pass
/// holds the team, its threads watch for the next job for a moment before they go to sleep; on a busy machine the caller does what they do not come to.
/// One team a process: a pass that finds it taken works alone.
/// </summary>
internal sealed class WorkTeam
{
    private static readonly long WatchTicks = Stopwatch.Frequency / 5000;
    private readonly Member[] _members;
    private TeamJob? _job;
    private int _held;

    private WorkTeam(int helpers)
    {
        _members = [.. Enumerable.Range(0, helpers).Select(_ => new Member(this))];
    }

    /// <summary>As many threads as the machine has, the caller counted.</summary>
    public static WorkTeam Shared { get; } = new(Environment.ProcessorCount - 1);

    /// <summary>Takes the team for one pass; false where another holds it or there is nobody to help.</summary>
    public bool TryHold() => _members.Length > 0 && Interlocked.CompareExchange(ref _held, 1, 0) == 0;

    public void Release() => Volatile.Write(ref _held, 0);

    /// <summary>Does a job with up to <paramref name="threads"/> threads, the caller among them, and returns when all of it is done.</summary>
    public void Run(TeamJob job, int threads)
    {
        Volatile.Write(ref _job, job);
        Interlocked.MemoryBarrier();
        for (var i = 0; i < Math.Min(threads - 1, _members.Length); i++)
        {
            _members[i].Wake();
        }

        job.Work();
        var spinner = default(SpinWait);
        while (!job.IsDone)
        {
            // The piece in another thread's hands takes some microseconds, unless that thread lost its processor.
            spinner.SpinOnce(sleep1Threshold: -1);
        }
    }

    private sealed class Member
    {
        private readonly WorkTeam _team;
        private readonly SemaphoreSlim _sleep = new(0);
        private int _asleep;
        private int _started;

        public Member(WorkTeam team) => _team = team;

        public void Wake()
        {
            if (Volatile.Read(ref _started) == 0 && Interlocked.Exchange(ref _started, 1) == 0)
            {
                new Thread(Loop) { IsBackground = true, Name = "fedllm kernels" }.Start();
            }
            else if (Volatile.Read(ref _asleep) == 1 && Interlocked.Exchange(ref _asleep, 0) == 1)
            {
                _sleep.Release();
            }
        }

        private void Loop()
        {
            TeamJob? seen = null;
            while (true)
            {
                var job = Next(seen);
                job.Work();
                seen = job;
            }
        }

        private TeamJob Next(TeamJob? seen)
        {
            while (true)
            {
                var until = Stopwatch.GetTimestamp() + WatchTicks;
                do
                {
                    if (Volatile.Read(ref _team._job) is { } job && job != seen)
                    {
                        return job;
                    }

                    Thread.SpinWait(8);
                }
                while (Stopwatch.GetTimestamp() < until);

                // Either the caller sees that this thread is asleep, or this thread sees the job that the caller has just set.
                Interlocked.Exchange(ref _asleep, 1);
                if (Volatile.Read(ref _team._job) == seen || Interlocked.Exchange(ref _asleep, 0) == 0)
                {
                    _sleep.Wait();
                }
            }
        }
    }
}
