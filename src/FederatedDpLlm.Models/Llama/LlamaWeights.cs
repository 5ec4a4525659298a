using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Llama;

/// <summary>All weights of a model, packed for the kernels, with its rotary table.</summary>
internal sealed class LlamaWeights
{
    public LlamaWeights(ModelConfiguration shape, ITensorSource source)
    {
        Shape = shape.Checked();
        Embedding = new FloatBuffer(shape.Vocabulary * shape.Width);
        source.Read(TensorNames.Embedding, shape.Vocabulary, shape.Width, Embedding.Span);
        Layers = [.. Enumerable.Range(0, shape.Layers).Select(layer => new LayerWeights(shape, source, layer))];
        FinalNorm = LayerWeights.Vector(source, TensorNames.FinalNorm, shape.Width);
        Head = PackedMatrix.Load(source, shape.TiedHead ? TensorNames.Embedding : TensorNames.Head, shape.Vocabulary, shape.Width);
        Rotary = new RotaryTable(shape);
    }

    public ModelConfiguration Shape { get; }

    /// <summary>Row-major [vocabulary, width].</summary>
    public FloatBuffer Embedding { get; }

    public IReadOnlyList<LayerWeights> Layers { get; }

    public FloatBuffer FinalNorm { get; }

    public PackedMatrix Head { get; }

    public RotaryTable Rotary { get; }

    /// <summary>Takes changed parameters of the same shape: training's step from its row-major master copy to the kernels' packing.</summary>
    public void Refresh(TensorSet parameters)
    {
        parameters[TensorNames.Embedding].Span.CopyTo(Embedding.Span);
        parameters[TensorNames.FinalNorm].Span.CopyTo(FinalNorm.Span);
        Head.Repack(parameters[Shape.TiedHead ? TensorNames.Embedding : TensorNames.Head].Span);
        for (var layer = 0; layer < Layers.Count; layer++)
        {
            Layers[layer].Refresh(parameters, layer);
        }
    }
}
