using System.Runtime.ExceptionServices;
using FederatedDpLlm.Models.Threads;

namespace FederatedDpLlm.Models.Llama;

/// <summary>Rows of a pass in as many equal ranges as there are threads.</summary>
internal sealed class RowJob : TeamJob
{
    private readonly int _ranges;
    private readonly int _rows;
    private Action<int, int, int>? _work;
    private ExceptionDispatchInfo? _failure;

    private RowJob(int ranges, int rows, Action<int, int, int> work)
        : base(ranges) => (_ranges, _rows, _work) = (ranges, rows, work);

    /// <summary>Does the work of all rows; the caller holds the team.</summary>
    /// <param name="threads">Most threads, and the number of ranges.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="work">Given a range's first row, the row after its last, and its number.</param>
    public static void Run(int threads, int rows, Action<int, int, int> work)
    {
        var job = new RowJob(threads, rows, work);
        WorkTeam.Shared.Run(job, threads);

        // A sleeping thread may remember the job for long: not the pass with it.
        job._work = null;
        job._failure?.Throw();
    }

    protected override void Do(int piece)
    {
        try
        {
            _work!((int)((long)_rows * piece / _ranges), (int)((long)_rows * (piece + 1) / _ranges), piece);
        }
        catch (Exception failure)
        {
            // On a thread of the team nobody else would catch it.
            _failure = ExceptionDispatchInfo.Capture(failure);
        }
    }
}
