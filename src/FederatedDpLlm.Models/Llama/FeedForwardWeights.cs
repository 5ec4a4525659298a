using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Llama;

/// <summary>The weights of one layer's feed-forward part, packed for the kernels.</summary>
internal sealed class FeedForwardWeights
{
    /// <param name="shape">The model's shape, or that of a shard: the same width, a narrower inside.</param>
    /// <param name="source">Tensors of that shape.</param>
    /// <param name="layer">The layer's number.</param>
    /// <param name="slices">Into how many canonical slices the down projection's sums are cut.</param>
    public FeedForwardWeights(ModelConfiguration shape, ITensorSource source, int layer, int slices)
    {
        Norm = LayerWeights.Vector(source, TensorNames.FeedForwardNorm(layer), shape.Width);
        Gate = LayerWeights.Matrix(source, TensorNames.Gate(layer), shape.FeedForwardWidth, shape.Width);
        Up = LayerWeights.Matrix(source, TensorNames.Up(layer), shape.FeedForwardWidth, shape.Width);
        Down = LayerWeights.Matrix(source, TensorNames.Down(layer), shape.Width, shape.FeedForwardWidth, slices);
    }

    public FloatBuffer Norm { get; }

    public PackedMatrix Gate { get; }

    public PackedMatrix Up { get; }

    public PackedMatrix Down { get; }

    public void Refresh(TensorSet parameters, int layer)
    {
        parameters[TensorNames.FeedForwardNorm(layer)].Span.CopyTo(Norm.Span);
        Gate.Repack(parameters[TensorNames.Gate(layer)].Span);
        Up.Repack(parameters[TensorNames.Up(layer)].Span);
        Down.Repack(parameters[TensorNames.Down(layer)].Span);
    }
}
