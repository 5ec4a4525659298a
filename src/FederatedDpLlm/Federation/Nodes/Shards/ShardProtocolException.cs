namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>A peer on a shard link sent what no honest peer sends. The link is closed; the peer is given no reason.</summary>
public sealed class ShardProtocolException(string message) : Exception(message);
