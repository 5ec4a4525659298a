using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Sharding;

/// <summary>The slices that one assignment names, proved against the manifest and packed: a thin part for every node of the reduction tree.</summary>
internal sealed class ShardWeights
{
    private readonly Dictionary<int, IReadOnlyList<AttentionNode>> _attention = [];
    private readonly Dictionary<int, IReadOnlyList<FeedForwardNode>> _feedForward = [];

    /// <exception cref="ShardRefusedException">The local weights are not the manifest's.</exception>
    public ShardWeights(ModelConfiguration shape, ITensorSource source, ShardManifest manifest, ShardAssignment assignment)
    {
        Shape = shape;
        foreach (var held in assignment.Layers)
        {
            var tensors = new LayerTensors(shape, source, held.Layer);
            manifest.Verify(tensors, held.Layer, LayerPart.Attention, held.Attention);
            manifest.Verify(tensors, held.Layer, LayerPart.FeedForward, held.FeedForward);
            _attention[held.Layer] = [.. held.Attention.Nodes(shape.AttentionSlices).Select(run => LoadAttention(tensors, held.Layer, run))];
            _feedForward[held.Layer] = [.. held.FeedForward.Nodes(shape.FeedForwardSlices).Select(run => LoadFeedForward(tensors, held.Layer, run))];
        }

        Rotary = new RotaryTable(shape);
    }

    public ModelConfiguration Shape { get; }

    public RotaryTable Rotary { get; }

    /// <summary>Attention nodes of all layers: each has a place of its own in the cache.</summary>
    public int Caches { get; private set; }

    /// <summary>The most key-value heads of a node.</summary>
    public int MostKeyValueHeads { get; private set; } = 1;

    /// <summary>The held nodes of a layer's attention; empty where none is held.</summary>
    public IReadOnlyList<AttentionNode> Attention(int layer) => _attention.GetValueOrDefault(layer) ?? [];

    /// <summary>The held nodes of a layer's feed-forward part; empty where none is held.</summary>
    public IReadOnlyList<FeedForwardNode> FeedForward(int layer) => _feedForward.GetValueOrDefault(layer) ?? [];

    /// <summary>Whether the layer is held whole.</summary>
    public bool IsWhole(int layer) =>
        Attention(layer) is [{ } attention] && attention.Shape.Heads == Shape.Heads && FeedForward(layer) is [{ } inner] && inner.Shape.FeedForwardWidth == Shape.FeedForwardWidth;

    private AttentionNode LoadAttention(LayerTensors tensors, int layer, SliceRun run)
    {
        var thin = LayerTensors.Thin(Shape, LayerPart.Attention, run);
        MostKeyValueHeads = Math.Max(MostKeyValueHeads, thin.KeyValueHeads);
        return new AttentionNode(thin, new AttentionWeights(thin, tensors.Window(LayerPart.Attention, run), layer, run.Length), Caches++);
    }

    private FeedForwardNode LoadFeedForward(LayerTensors tensors, int layer, SliceRun run)
    {
        var thin = LayerTensors.Thin(Shape, LayerPart.FeedForward, run);
        return new FeedForwardNode(thin, new FeedForwardWeights(thin, tensors.Window(LayerPart.FeedForward, run), layer, run.Length));
    }

    /// <param name="Shape">The thin shape that the weights have.</param>
    /// <param name="Weights">Its weights.</param>
    /// <param name="Cache">Its place in the cache.</param>
    public sealed record AttentionNode(ModelConfiguration Shape, AttentionWeights Weights, int Cache);

    /// <param name="Shape">The thin shape that the weights have.</param>
    /// <param name="Weights">Its weights.</param>
    public sealed record FeedForwardNode(ModelConfiguration Shape, FeedForwardWeights Weights);
}
