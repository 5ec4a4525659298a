namespace FederatedDpLlm.Federation.Nodes.Shards.Engine;

/// <summary>The cluster that an engine runs on. One whose last nodes were lost is given up, and the next question links the nodes anew.</summary>
/// <param name="start">Links the nodes and proves the cut by a generated token.</param>
public sealed class ShardedClusters(Func<CancellationToken, Task<ShardCluster>> start) : IDisposable
{
    private readonly SemaphoreSlim _starting = new(1);
    private volatile ShardCluster? _cluster;

    /// <exception cref="Models.Sharding.ShardLostException">A node cannot be reached or cannot load its part.</exception>
    /// <exception cref="Models.Sharding.ShardPlanException">The model cannot be cut over the trusted nodes.</exception>
    internal async Task<ShardCluster> GetAsync(CancellationToken cancellationToken)
    {
        if (_cluster is { } ready)
        {
            return ready;
        }

        await _starting.WaitAsync(cancellationToken);
        try
        {
            return _cluster ??= await start(cancellationToken);
        }
        finally
        {
            _starting.Release();
        }
    }

    /// <summary>A question found that no node is left.</summary>
    internal void GiveUp(ShardCluster lost)
    {
        if (Interlocked.CompareExchange(ref _cluster, null, lost) == lost)
        {
            lost.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _cluster?.Dispose();
        _starting.Dispose();
    }
}
