using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Training;

/// <summary>Adds every gradient to one set: what training without privacy needs.</summary>
internal sealed unsafe class SummedGradients(TensorSet sum) : IGradientReceiver
{
    public void Linear(string name, int rows, FloatBuffer outputGradient, FloatBuffer input, FloatBuffer? spare)
    {
        var shape = sum.ShapeOf(name);
        MatrixProduct.Multiply(
            shape.Rows, shape.Columns, rows, outputGradient.Pointer, 1, shape.Rows, input.Pointer, shape.Columns, sum[name].Pointer, shape.Columns, accumulate: true);
    }

    public float* Vector(string name, int row) => sum[name].Pointer;

    public void Embedding(ReadOnlySpan<int> tokens, FloatBuffer streamGradient)
    {
        var embedding = sum[TensorNames.Embedding];
        var width = sum.ShapeOf(TensorNames.Embedding).Columns;
        for (var row = 0; row < tokens.Length; row++)
        {
            Elementwise.Add(embedding.Pointer + (nint)tokens[row] * width, streamGradient.Pointer + (nint)row * width, width);
        }
    }
}
