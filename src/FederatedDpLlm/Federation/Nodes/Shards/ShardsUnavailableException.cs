namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>The nodes that are left cannot hold the model, or keep failing: the request ends here, with what it has.</summary>
public sealed class ShardsUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
