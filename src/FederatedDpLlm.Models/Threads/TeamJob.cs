namespace FederatedDpLlm.Models.Threads;

/// <summary>
/// Work in pieces that any thread may do in any order: whoever is free takes the next. A thread that comes late finds nothing left and touches nothing.
/// </summary>
internal abstract class TeamJob(int pieces)
{
    private int _next;
    private int _done;

    /// <summary>Whether every piece is done.</summary>
    public bool IsDone => Volatile.Read(ref _done) == pieces;

    /// <summary>Takes pieces until none is left.</summary>
    public void Work()
    {
        int piece;
        while ((piece = Interlocked.Increment(ref _next) - 1) < pieces)
        {
            Do(piece);
            Interlocked.Increment(ref _done);
        }
    }

    /// <summary>Does one piece; must not throw.</summary>
    protected abstract void Do(int piece);
}
