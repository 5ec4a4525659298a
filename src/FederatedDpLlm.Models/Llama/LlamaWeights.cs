using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Llama;

/// <summary>All weights of a model, packed for the kernels, with its rotary table.</summary>
internal sealed class LlamaWeights
{
    public LlamaWeights(ModelConfiguration shape, ITensorSource source)
    {
        Shape = shape.Checked();
        Edges = new EdgeWeights(shape, source);
        Layers = [.. Enumerable.Range(0, shape.Layers).Select(layer => new LayerWeights(shape, source, layer))];
        Rotary = new RotaryTable(shape);
    }

    public ModelConfiguration Shape { get; }

    public EdgeWeights Edges { get; }

    public FloatBuffer FinalNorm => Edges.FinalNorm;

    public IReadOnlyList<LayerWeights> Layers { get; }

    public RotaryTable Rotary { get; }

    /// <summary>Takes changed parameters of the same shape: training's step from its row-major master copy to the kernels' packing.</summary>
    public void Refresh(TensorSet parameters, int threads)
    {
        Parallel.For(-1, Layers.Count, new ParallelOptions { MaxDegreeOfParallelism = threads }, layer =>
        {
            if (layer < 0)
            {
                Edges.Refresh(parameters);
            }
            else
            {
                Layers[layer].Refresh(parameters, layer);
            }
        });
    }
}
