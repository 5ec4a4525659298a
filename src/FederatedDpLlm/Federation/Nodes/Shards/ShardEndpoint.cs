using System.Net;
using FederatedDpLlm.Models.Sharding;

namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>A node that could hold a shard, and where it listens.</summary>
/// <param name="Node">Its name (its certificate says the same), zone and measures.</param>
/// <param name="Address">Where it listens; null for the coordinator's own process, which comes last in a plan so that the others compute beside it.</param>
public sealed record ShardEndpoint(ShardNode Node, IPEndPoint? Address);
