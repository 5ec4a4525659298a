using FederatedDpLlm.Models.Sharding;

namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>A node that a cluster can give a part of a plan to.</summary>
internal interface IShardPeer : IDisposable
{
    /// <summary>Name and zone, and measures as far as known.</summary>
    ShardNode Node { get; }

    /// <summary>Whether it is lost; for good.</summary>
    bool IsLost { get; }

    /// <summary>Measures its speed, its distance, and how much memory it offers.</summary>
    /// <exception cref="ShardLostException">It refuses, fails or takes too long.</exception>
    Task MeasureAsync();

    /// <summary>Gives it its part of a plan and waits until it is loaded.</summary>
    /// <returns>The shard under this plan: whoever still computes by an earlier plan is refused, and never given another plan's sums.</returns>
    /// <exception cref="ShardLostException">It refuses, fails or takes too long.</exception>
    Task<IShard> LoadAsync(ShardPlan plan, int assignment);

    /// <summary>Lets it load another node's slices ahead of time.</summary>
    /// <exception cref="ShardLostException">It refuses, fails or takes too long.</exception>
    Task PrepareAsync(ShardPlan plan, int assignment);
}
