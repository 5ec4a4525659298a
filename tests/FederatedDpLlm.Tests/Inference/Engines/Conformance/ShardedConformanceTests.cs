using FederatedDpLlm.Federation.Nodes.Shards.Engine;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.Tests.Federation.Shards;

namespace FederatedDpLlm.Tests.Inference.Engines.Conformance;

/// <summary>The engine whose model is cut over two nodes.</summary>
public sealed class ShardedConformanceTests : EngineConformance
{
    private readonly ShardTestbed _bed = new();

    protected override bool Normalised => false;

    protected override async Task<IInferenceEngine> OpenAsync()
    {
        List<FederatedDpLlm.Federation.Nodes.Shards.ShardEndpoint> hosts = [_bed.Host("node-0"), _bed.Host("node-1")];
        var engine = new ShardedEngine(new ShardedClusters(_ => _bed.StartAsync(ShardStrategy.Layer, hosts)), ShardTestbed.Model, "ward-2m", ShardTestbed.Hospital, new SecureRandom());
        await engine.PrepareAsync(Cancellation);
        return engine;
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _bed.Dispose();
    }
}
