using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Llama;

/// <summary>One layer's weights, packed for the kernels.</summary>
internal sealed class LayerWeights
{
    public LayerWeights(ModelConfiguration shape, ITensorSource source, int layer)
    {
        var slices = shape.CanonicalSlices;
        AttentionNorm = Vector(source, TensorNames.AttentionNorm(layer), shape.Width);
        Query = Matrix(source, TensorNames.Query(layer), shape.QueryWidth, shape.Width);
        Key = Matrix(source, TensorNames.Key(layer), shape.KeyValueWidth, shape.Width);
        Value = Matrix(source, TensorNames.Value(layer), shape.KeyValueWidth, shape.Width);
        Output = Matrix(source, TensorNames.Output(layer), shape.Width, shape.QueryWidth, slices);
        FeedForwardNorm = Vector(source, TensorNames.FeedForwardNorm(layer), shape.Width);
        Gate = Matrix(source, TensorNames.Gate(layer), shape.FeedForwardWidth, shape.Width);
        Up = Matrix(source, TensorNames.Up(layer), shape.FeedForwardWidth, shape.Width);
        Down = Matrix(source, TensorNames.Down(layer), shape.Width, shape.FeedForwardWidth, slices);
        if (shape.AttentionBias)
        {
            QueryBias = Vector(source, TensorNames.Query(layer, "bias"), shape.QueryWidth);
            KeyBias = Vector(source, TensorNames.Key(layer, "bias"), shape.KeyValueWidth);
            ValueBias = Vector(source, TensorNames.Value(layer, "bias"), shape.KeyValueWidth);
        }

        if (shape.QueryKeyNorm)
        {
            QueryNorm = Vector(source, TensorNames.QueryNorm(layer), shape.HeadSize);
            KeyNorm = Vector(source, TensorNames.KeyNorm(layer), shape.HeadSize);
        }
    }

    public FloatBuffer AttentionNorm { get; }

    public PackedMatrix Query { get; }

    public PackedMatrix Key { get; }

    public PackedMatrix Value { get; }

    public PackedMatrix Output { get; }

    public FloatBuffer FeedForwardNorm { get; }

    public PackedMatrix Gate { get; }

    public PackedMatrix Up { get; }

    public PackedMatrix Down { get; }

    public FloatBuffer? QueryBias { get; }

    public FloatBuffer? KeyBias { get; }

    public FloatBuffer? ValueBias { get; }

    public FloatBuffer? QueryNorm { get; }

    public FloatBuffer? KeyNorm { get; }

    public void Refresh(TensorSet parameters, int layer)
    {
        parameters[TensorNames.AttentionNorm(layer)].Span.CopyTo(AttentionNorm.Span);
        parameters[TensorNames.FeedForwardNorm(layer)].Span.CopyTo(FeedForwardNorm.Span);
        Query.Repack(parameters[TensorNames.Query(layer)].Span);
        Key.Repack(parameters[TensorNames.Key(layer)].Span);
        Value.Repack(parameters[TensorNames.Value(layer)].Span);
        Output.Repack(parameters[TensorNames.Output(layer)].Span);
        Gate.Repack(parameters[TensorNames.Gate(layer)].Span);
        Up.Repack(parameters[TensorNames.Up(layer)].Span);
        Down.Repack(parameters[TensorNames.Down(layer)].Span);
    }

    internal static FloatBuffer Vector(ITensorSource source, string name, int length)
    {
        var buffer = new FloatBuffer(length);
        source.Read(name, 1, length, buffer.Span);
        return buffer;
    }

    private static PackedMatrix Matrix(ITensorSource source, string name, int outputs, int inputs, int slices = 1)
    {
        var rows = new float[outputs * inputs];
        source.Read(name, outputs, inputs, rows);
        return PackedMatrix.Pack(rows, outputs, inputs, slices);
    }
}
