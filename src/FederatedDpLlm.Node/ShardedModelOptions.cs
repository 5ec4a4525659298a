using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Security.Certificates;

namespace FederatedDpLlm.Node;

/// <summary>The nodes over which this hospital's model is cut (<c>engine.kind: sharded</c>). Each runs <c>fedllm shard serve</c> over its own copy of the model.</summary>
internal sealed record ShardedModelOptions
{
    /// <summary>This hospital's certificate as a coordinator of shards; its authority is the federation's.</summary>
    public required LinkIdentityOptions Identity { get; init; }

    /// <summary>The nodes that hold the model.</summary>
    public required List<ShardNodeOptions> Nodes { get; init; }

    /// <summary>Hot spares: each keeps every slice ready and takes the place of a lost node of its zone.</summary>
    public List<ShardNodeOptions> Spares { get; init; } = [];

    /// <summary>The trust zone of this hospital.</summary>
    /// <value>Default: the hospital's own name.</value>
    public string? Zone { get; init; }

    /// <summary>Other zones that an agreement opens to this hospital's hidden states, which give its prompts and records away; every crossing is an entry of the audit log.</summary>
    /// <value>Default: none.</value>
    public List<string> AgreedZones { get; init; } = [];

    /// <summary>Where other zones are agreed to: how many of the model's first layers stay on nodes of this zone nevertheless; the last one stays too.
    /// More of them weaken the cheap attacks on prompts; no number makes a crossing private.</summary>
    /// <value>1 to the model's layers less 2. Default: 4.</value>
    public int HomeLayers { get; init; } = HomeEdges.DefaultFirstLayers;

    /// <summary><c>layer</c>, <c>pipeline</c>, <c>attention</c>, <c>tensor</c> or <c>tensor_pipeline</c>; absent: the planner measures the nodes and chooses.</summary>
    public ShardStrategy? Strategy { get; init; }
}

/// <summary>One node that could hold a part of the model.</summary>
internal sealed record ShardNodeOptions
{
    /// <summary>As its certificate says.</summary>
    public required string Name { get; init; }

    /// <summary>Where it stands.</summary>
    /// <value>Default: the hospital's own zone.</value>
    public string? Zone { get; init; }

    /// <summary>Address and port, as in <c>10.0.0.7:9443</c>.</summary>
    public required string Address { get; init; }
}
