namespace FederatedDpLlm.Models.Sharding;

/// <summary>A plan cannot be made or does not hold the model together; the message says why.</summary>
public sealed class ShardPlanException : Exception
{
    /// <summary>Creates it.</summary>
    public ShardPlanException(string message)
        : base(message)
    {
    }

    /// <summary>How a shard that is sent such a plan names it.</summary>
    public ShardRefusal Refusal { get; init; } = ShardRefusal.Malformed;

    /// <summary>Creates it with its cause.</summary>
    public ShardPlanException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
