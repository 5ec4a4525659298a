namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>How long a coordinator waits; nothing on a shard link is waited for without one of these.</summary>
public sealed record ShardTimeouts
{
    /// <summary>To connect and to prove each other.</summary>
    /// <value>Default: 5 seconds.</value>
    public TimeSpan Connect { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>For a shard to load its slices.</summary>
    /// <value>Default: 2 minutes.</value>
    public TimeSpan Load { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>For one request; a shard that takes longer is lost.</summary>
    /// <value>Default: 2 seconds.</value>
    public TimeSpan Step { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How much longer for every row of a request.</summary>
    /// <value>Default: 20 milliseconds.</value>
    public TimeSpan Row { get; init; } = TimeSpan.FromMilliseconds(20);
}
