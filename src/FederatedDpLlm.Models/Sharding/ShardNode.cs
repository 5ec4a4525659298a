namespace FederatedDpLlm.Models.Sharding;

/// <summary>A node that could hold a shard, as measured.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Zone">The trust zone that it stands in.</param>
/// <param name="LayersPerSecond">How many whole layers of one token it computes a second; above 0.</param>
/// <param name="RoundTrip">From the coordinator and back.</param>
/// <param name="MemoryBytes">What it gives to weights.</param>
public sealed record ShardNode(string Name, string Zone, double LayersPerSecond, TimeSpan RoundTrip, long MemoryBytes);
