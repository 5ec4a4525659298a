namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>One change of plan after a loss.</summary>
/// <param name="Lost">The lost nodes.</param>
/// <param name="Epoch">The new plan's.</param>
/// <param name="BySpare">Whether spares took the lost places; false where the model was cut anew over the survivors.</param>
/// <param name="Took">From the notice of the loss until every shard was ready.</param>
public sealed record ShardRecovery(IReadOnlyList<string> Lost, long Epoch, bool BySpare, TimeSpan Took);
