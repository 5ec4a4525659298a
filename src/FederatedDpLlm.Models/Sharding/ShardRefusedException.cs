namespace FederatedDpLlm.Models.Sharding;

/// <summary>Why a shard refuses a request.</summary>
public enum ShardRefusal
{
    /// <summary>The request does not fit the model or the shard's assignment.</summary>
    Malformed = 1,

    /// <summary>The session's earlier positions are not in this shard's cache: it has to be told them first.</summary>
    Gap = 2,

    /// <summary>The plan's epoch or manifest is not this shard's.</summary>
    OtherPlan = 3,

    /// <summary>The plan is not signed by its coordinator, or places this shard in another zone.</summary>
    Untrusted = 4,

    /// <summary>The local weights are not the manifest's, or cannot be read.</summary>
    Weights = 5,

    /// <summary>The plan gives a layer of the model's ends to another zone than the asking hospital's (<see cref="HomeEdges"/>).</summary>
    EdgeLeavesHome = 6,
}

/// <summary>A shard refuses a request; nothing was changed.</summary>
public sealed class ShardRefusedException(ShardRefusal refusal, string message) : Exception(message)
{
    /// <summary>Why.</summary>
    public ShardRefusal Refusal { get; } = refusal;
}
