using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Llama;

/// <summary>The weights of one layer's attention, packed for the kernels.</summary>
internal sealed class AttentionWeights
{
    /// <param name="shape">The model's shape, or that of a shard: the same width, fewer heads.</param>
    /// <param name="source">Tensors of that shape.</param>
    /// <param name="layer">The layer's number.</param>
    /// <param name="slices">Into how many canonical slices the output projection's sums are cut.</param>
    public AttentionWeights(ModelConfiguration shape, ITensorSource source, int layer, int slices)
    {
        Norm = LayerWeights.Vector(source, TensorNames.AttentionNorm(layer), shape.Width);
        Query = LayerWeights.Matrix(source, TensorNames.Query(layer), shape.QueryWidth, shape.Width);
        Key = LayerWeights.Matrix(source, TensorNames.Key(layer), shape.KeyValueWidth, shape.Width);
        Value = LayerWeights.Matrix(source, TensorNames.Value(layer), shape.KeyValueWidth, shape.Width);
        Output = LayerWeights.Matrix(source, TensorNames.Output(layer), shape.Width, shape.QueryWidth, slices);
        if (shape.AttentionBias)
        {
            QueryBias = LayerWeights.Vector(source, TensorNames.Query(layer, "bias"), shape.QueryWidth);
            KeyBias = LayerWeights.Vector(source, TensorNames.Key(layer, "bias"), shape.KeyValueWidth);
            ValueBias = LayerWeights.Vector(source, TensorNames.Value(layer, "bias"), shape.KeyValueWidth);
        }

        if (shape.QueryKeyNorm)
        {
            QueryNorm = LayerWeights.Vector(source, TensorNames.QueryNorm(layer), shape.HeadSize);
            KeyNorm = LayerWeights.Vector(source, TensorNames.KeyNorm(layer), shape.HeadSize);
        }
    }

    public FloatBuffer Norm { get; }

    public PackedMatrix Query { get; }

    public PackedMatrix Key { get; }

    public PackedMatrix Value { get; }

    public PackedMatrix Output { get; }

    public FloatBuffer? QueryBias { get; }

    public FloatBuffer? KeyBias { get; }

    public FloatBuffer? ValueBias { get; }

    public FloatBuffer? QueryNorm { get; }

    public FloatBuffer? KeyNorm { get; }

    public void Refresh(TensorSet parameters, int layer)
    {
        parameters[TensorNames.AttentionNorm(layer)].Span.CopyTo(Norm.Span);
        Query.Repack(parameters[TensorNames.Query(layer)].Span);
        Key.Repack(parameters[TensorNames.Key(layer)].Span);
        Value.Repack(parameters[TensorNames.Value(layer)].Span);
        Output.Repack(parameters[TensorNames.Output(layer)].Span);
        Refresh(QueryBias, parameters, TensorNames.Query(layer, "bias"));
        Refresh(KeyBias, parameters, TensorNames.Key(layer, "bias"));
        Refresh(ValueBias, parameters, TensorNames.Value(layer, "bias"));
        Refresh(QueryNorm, parameters, TensorNames.QueryNorm(layer));
        Refresh(KeyNorm, parameters, TensorNames.KeyNorm(layer));
    }

    private static void Refresh(FloatBuffer? vector, TensorSet parameters, string name)
    {
        if (vector is not null)
        {
            parameters[name].Span.CopyTo(vector.Span);
        }
    }
}
