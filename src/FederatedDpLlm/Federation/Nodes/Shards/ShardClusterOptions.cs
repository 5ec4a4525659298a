using FederatedDpLlm.Models.Sharding;

namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>Over which nodes a coordinator cuts its model, and how.</summary>
public sealed record ShardClusterOptions
{
    /// <summary>The federation's name, as its certificates carry it.</summary>
    public required string Federation { get; init; }

    /// <summary>The model on this node: a safetensors folder or a GGUF file.</summary>
    public required string Model { get; init; }

    /// <summary>The nodes that hold the model.</summary>
    public required IReadOnlyList<ShardEndpoint> Nodes { get; init; }

    /// <summary>Hot spares: each keeps every shard's slices ready and takes the place of a lost one of its zone.</summary>
    public IReadOnlyList<ShardEndpoint> Spares { get; init; } = [];

    /// <summary>Where hidden states may go.</summary>
    public required TrustZones Zones { get; init; }

    /// <summary>How the model is cut; null lets the planner choose by predicted time.</summary>
    public ShardStrategy? Strategy { get; init; }

    /// <summary>Whether speed, distance and memory are measured when the cluster starts; else the given measures are believed.</summary>
    /// <value>Default: true.</value>
    public bool Measure { get; init; } = true;

    /// <summary>How long to wait for what.</summary>
    public ShardTimeouts Timeouts { get; init; } = new();

    /// <summary>Tokens of one chunk of a prompt: a micro-batch where the plan pipelines.</summary>
    /// <value>1 to 256. Default: 64.</value>
    public int ChunkTokens { get; init; } = 64;

    /// <summary>Threads of the coordinator's own shard, where it is one of the nodes.</summary>
    /// <value>Default: 1.</value>
    public int Threads { get; init; } = 1;
}
