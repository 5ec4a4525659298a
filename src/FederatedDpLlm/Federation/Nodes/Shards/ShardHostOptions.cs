namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>What a node that lends itself to sharding is told by its hospital.</summary>
public sealed record ShardHostOptions
{
    /// <summary>The federation's name, as its certificates carry it.</summary>
    public required string Federation { get; init; }

    /// <summary>This node's name; a plan that gives its slices to another name is refused.</summary>
    public required string Node { get; init; }

    /// <summary>The trust zone that this node stands in; a plan that says another is refused.</summary>
    public required string Zone { get; init; }

    /// <summary>The hospital whose coordinator may ask; its certificate must say so.</summary>
    public required string Coordinator { get; init; }

    /// <summary>The local copy of the model: a safetensors folder or a GGUF file.</summary>
    public required string Model { get; init; }

    /// <summary>Most threads of one request.</summary>
    /// <value>Default: 1.</value>
    public int Threads { get; init; } = 1;

    /// <summary>How much memory the coordinator's plan may fill with weights, in bytes.</summary>
    /// <value>Default: 2 GiB.</value>
    public long MemoryBytes { get; init; } = 2L << 30;

    /// <summary>How long a connection may take to prove itself.</summary>
    /// <value>Default: 5 seconds.</value>
    public TimeSpan HandshakeWithin { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a frame may take from its first byte to its last.</summary>
    /// <value>Default: 5 seconds.</value>
    public TimeSpan FrameWithin { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a coordinator may say nothing before its link is closed and its weights are let go.</summary>
    /// <value>Default: 1 hour.</value>
    public TimeSpan IdleWithin { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Connections at a time; further ones are closed at once.</summary>
    /// <value>Default: 8.</value>
    public int MostConnections { get; init; } = 8;
}
