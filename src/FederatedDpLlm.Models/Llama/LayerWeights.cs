using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Llama;

/// <summary>One layer's weights: its attention and its feed-forward part, which shards may hold apart.</summary>
internal sealed class LayerWeights(ModelConfiguration shape, ITensorSource source, int layer)
{
    public AttentionWeights Attention { get; } = new(shape, source, layer, shape.AttentionSlices);

    public FeedForwardWeights FeedForward { get; } = new(shape, source, layer, shape.FeedForwardSlices);

    public void Refresh(TensorSet parameters, int layer)
    {
        Attention.Refresh(parameters, layer);
        FeedForward.Refresh(parameters, layer);
    }

    internal static FloatBuffer Vector(ITensorSource source, string name, int length)
    {
        var buffer = new FloatBuffer(length);
        source.Read(name, 1, length, buffer.Span);
        return buffer;
    }

    internal static PackedMatrix Matrix(ITensorSource source, string name, int outputs, int inputs, int slices = 1) =>
        PackedMatrix.Load(source, name, outputs, inputs, slices);
}
