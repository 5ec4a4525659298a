namespace FederatedDpLlm.Models.Sharding;

/// <summary>What a shard holds of one layer.</summary>
/// <param name="Layer">The layer's number.</param>
/// <param name="Attention">Slices of the attention: its key-value heads with their queries, and their columns of the output projection.</param>
/// <param name="FeedForward">Slices of the feed-forward part: rows of gate and up, and their columns of the down projection.</param>
public sealed record LayerSlices(int Layer, SliceRun Attention, SliceRun FeedForward);
