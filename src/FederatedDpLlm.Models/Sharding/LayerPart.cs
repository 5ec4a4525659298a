using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Sharding;

/// <summary>The two parts of a layer; each adds a sum to the residual stream, so each can be cut.</summary>
internal enum LayerPart
{
    Attention,
    FeedForward,
}

internal static class LayerParts
{
    /// <summary>Into how many canonical slices a part's sum is cut.</summary>
    public static int Slices(this ModelConfiguration shape, LayerPart part) =>
        part == LayerPart.Attention ? shape.AttentionSlices : shape.FeedForwardSlices;

    /// <summary>The part that a step over slices computes.</summary>
    public static LayerPart Part(this ShardStepKind kind) => kind == ShardStepKind.Attention ? LayerPart.Attention : LayerPart.FeedForward;
}
