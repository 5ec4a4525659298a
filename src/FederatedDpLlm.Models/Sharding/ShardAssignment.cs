using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Sharding;

/// <summary>What one node holds under a plan.</summary>
/// <param name="Node">The node's name.</param>
/// <param name="Zone">The trust zone that the node stands in.</param>
/// <param name="Layers">What it holds, in the order of the layers; layers of which it holds nothing are left out.</param>
public sealed record ShardAssignment(string Node, string Zone, IReadOnlyList<LayerSlices> Layers)
{
    /// <summary>Parameters held, norms included.</summary>
    public long Parameters(ModelConfiguration shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        var attention = (long)shape.Width * (2 * shape.QueryWidth + 2 * shape.KeyValueWidth);
        var feedForward = 3L * shape.Width * shape.FeedForwardWidth;
        return Layers.Sum(layer => 2L * shape.Width
            + attention * layer.Attention.Length / shape.AttentionSlices
            + feedForward * layer.FeedForward.Length / shape.FeedForwardSlices);
    }

    internal SliceRun Slices(int layer, LayerPart part)
    {
        foreach (var held in Layers)
        {
            if (held.Layer == layer)
            {
                return part == LayerPart.Attention ? held.Attention : held.FeedForward;
            }
        }

        return SliceRun.None;
    }
}
