namespace FederatedDpLlm.Federation.Nodes.Shards.Engine;

/// <summary>How many sequences may be open at once, so that shards never have to let go of one that is still read. Whoever finds no room waits, first come first served.</summary>
internal sealed class ContextRoom(int most)
{
    private readonly Lock _gate = new();
    private readonly Queue<(int Count, TaskCompletionSource Entered)> _waiting = new();
    private int _taken;

    public int Most => most;

    /// <returns>Dispose it to leave.</returns>
    /// <exception cref="ArgumentOutOfRangeException">More than there is ever room for.</exception>
    public async Task<IDisposable> EnterAsync(int count, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, most);
        TaskCompletionSource entered;
        lock (_gate)
        {
            if (_waiting.Count == 0 && _taken + count <= most)
            {
                _taken += count;
                return new Place(this, count);
            }

            entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue((count, entered));
        }

        var registration = cancellationToken.Register(() => entered.TrySetCanceled(cancellationToken));
        await using var registered = registration.ConfigureAwait(false);
        try
        {
            await entered.Task.ConfigureAwait(false);
            return new Place(this, count);
        }
        catch (OperationCanceledException)
        {
            Leave(0);
            throw;
        }
    }

    private void Leave(int count)
    {
        lock (_gate)
        {
            _taken -= count;
            while (_waiting.TryPeek(out var next) && (next.Entered.Task.IsCanceled || _taken + next.Count <= most))
            {
                _waiting.Dequeue();
                if (next.Entered.TrySetResult())
                {
                    _taken += next.Count;
                }
            }
        }
    }

    private sealed class Place(ContextRoom room, int count) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
            {
                room.Leave(count);
            }
        }
    }
}
