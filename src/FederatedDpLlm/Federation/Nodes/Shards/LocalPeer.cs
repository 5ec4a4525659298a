using FederatedDpLlm.Models.Sharding;

namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>The coordinator's own process as a shard: it computes beside the others, and nothing is sent.</summary>
internal sealed class LocalPeer(ShardNode node, string model, ShardManifest manifest, int threads, TimeProvider clock) : IShardPeer
{
    private LocalShard? _shard;

    public ShardNode Node { get; private set; } = node;

    public bool IsLost { get; private set; }

    public Task MeasureAsync()
    {
        Node = Node with { LayersPerSecond = ShardSpeed.LayersPerSecond(model, threads, clock), RoundTrip = TimeSpan.Zero };
        return Task.CompletedTask;
    }

    public Task<IShard> LoadAsync(ShardPlan plan, int assignment)
    {
        var engine = ShardEngine.Load(model, plan, plan.Shards[assignment], manifest.Hashes, threads);
        engine.WarmUp();
        _shard?.Dispose();
        return Task.FromResult<IShard>(_shard = new LocalShard(engine));
    }

    public Task PrepareAsync(ShardPlan plan, int assignment) => Task.CompletedTask;

    public void Dispose()
    {
        IsLost = true;
        _shard?.Dispose();
    }
}
