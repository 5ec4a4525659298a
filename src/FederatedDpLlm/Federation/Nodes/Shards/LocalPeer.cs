using FederatedDpLlm.Models.Sharding;

namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>The coordinator's own process as a shard: it computes beside the others, and nothing is sent.</summary>
internal sealed class LocalPeer(ShardNode node, string model, ShardManifest manifest, int threads, TimeProvider clock) : IShardPeer
{
    private ShardEngine? _engine;
    private LocalShard? _shard;

    public ShardNode Node { get; private set; } = node;

    public bool IsLost { get; private set; }

    public Task MeasureAsync()
    {
        Node = Node with { LayersPerSecond = ShardSpeed.LayersPerSecond(model, threads, clock), RoundTrip = TimeSpan.Zero };
        return Task.CompletedTask;
    }

    public Task LoadAsync(ShardPlan plan, int assignment)
    {
        var engine = ShardEngine.Load(model, plan, plan.Shards[assignment], manifest.Hashes, threads);
        engine.WarmUp();
        _engine?.Dispose();
        (_engine, _shard) = (engine, new LocalShard(engine));
        return Task.CompletedTask;
    }

    public Task PrepareAsync(ShardPlan plan, int assignment) => Task.CompletedTask;

    public Task<ReadOnlyMemory<float>> ComputeAsync(ShardWork work, CancellationToken cancellationToken) => _shard!.ComputeAsync(work, cancellationToken);

    public void Close(Guid session) => _shard?.Close(session);

    public void Dispose()
    {
        IsLost = true;
        _engine?.Dispose();
    }
}
