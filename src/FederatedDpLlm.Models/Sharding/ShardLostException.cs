namespace FederatedDpLlm.Models.Sharding;

/// <summary>A shard cannot go on with its work: the caller turns to a spare or to a new plan.</summary>
public sealed class ShardLostException : Exception
{
    /// <summary>Creates it.</summary>
    /// <param name="node">The shard's node.</param>
    /// <param name="reason">What happened, for a log.</param>
    /// <param name="inner">The cause, where there is one.</param>
    public ShardLostException(string node, string reason, Exception? inner = null)
        : base($"The shard '{node}' is lost: {reason}", inner) => Node = node;

    /// <summary>The lost shard's node.</summary>
    public string Node { get; }
}
