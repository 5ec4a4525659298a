namespace FederatedDpLlm.Models.Sharding;

/// <summary>A shard in the coordinator's own process; requests are computed on the caller's thread, one at a time.</summary>
public sealed class LocalShard(ShardEngine engine) : IShard, IDisposable
{
    private readonly Lock _gate = new();
    private ShardWork? _last;

    /// <inheritdoc/>
    public Task<ReadOnlyMemory<float>> ComputeAsync(ShardWork work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            _last = work;
            try
            {
                // A copy: another session's request may come before the caller has read this one's answer.
                return Task.FromResult<ReadOnlyMemory<float>>(engine.Compute(work).ToArray());
            }
            catch (ShardRefusedException refused)
            {
                throw new ShardLostException(engine.Assignment.Node, refused.Message, refused);
            }
        }
    }

    /// <inheritdoc/>
    public Task<ReadOnlyMemory<float>>? TryGoOn(ShardWork before, ShardWork work)
    {
        lock (_gate)
        {
            return ReferenceEquals(_last, before) ? ComputeAsync(work, CancellationToken.None) : null;
        }
    }

    /// <inheritdoc/>
    public void Close(Guid session)
    {
        lock (_gate)
        {
            engine.Close(session);
        }
    }

    /// <summary>Lets go of the engine, after the request that is being computed: other sessions' requests may come until their coordinator knows of the new plan.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            engine.Dispose();
        }
    }
}
