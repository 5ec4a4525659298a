using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Training.Private;

/// <summary>
/// Gradients of low-rank factors. With P = X A^T and Q = G B, an example's are (alpha / rank) G^T P for B and (alpha / rank) Q^T X for A: small enough to be
/// made for every example.
/// </summary>
internal sealed unsafe class LowRankGradients : ExampleGradients
{
    private const int Padded = LowRankFactors.LargestRank;
    private readonly LowRankFactors _factors;
    private readonly FloatBuffer _wide;
    private readonly FloatBuffer _narrow;
    private readonly FloatBuffer _product;
    private readonly FloatBuffer[] _gradients;

    public LowRankGradients(LowRankFactors factors, int longest)
    {
        _factors = factors;
        var widest = factors.Maps.Max(map => Math.Max(map.Rows, map.Columns));
        (_wide, _narrow, _product) = (new FloatBuffer(widest * Padded), new FloatBuffer(longest * Padded), new FloatBuffer(widest * Padded));
        _gradients = [.. factors.Values.Shapes.Select(tensor => new FloatBuffer(tensor.Elements))];
    }

    private protected override int Tensors => _gradients.Length;

    public override void SquaredNorms(GradientBook book, int example, Span<double> squares)
    {
        Compute(book, example);
        for (var tensor = 0; tensor < _gradients.Length; tensor++)
        {
            squares[tensor] = GhostNorm.Squares(_gradients[tensor].Pointer, _gradients[tensor].Length);
        }
    }

    private protected override float* Gradient(GradientBook book, int example, int tensor) => _gradients[tensor].Pointer;

    private void Compute(GradientBook book, int example)
    {
        var at = book.Examples[example];
        for (var index = 0; index < _factors.Maps.Count; index++)
        {
            var map = _factors.Maps[index];
            var (gradient, input) = book.Factors(map.Name);
            var g = gradient.Pointer + (nint)at.First * map.Rows;
            var x = input.Pointer + (nint)at.First * map.Columns;
            OfA(map, at.Count, g, x, _gradients[2 * index]);
            OfB(map, at.Count, g, x, _gradients[2 * index + 1]);
        }
    }

    // Q = G B, then its product with X, transposed: X^T Q is [inputs, rank].
    private void OfA(TensorShape map, int rows, float* gradient, float* input, FloatBuffer result)
    {
        var (b, rank) = (_factors.Values[LowRankFactors.NameB(map)], _factors.Rank);
        for (var row = 0; row < map.Rows; row++)
        {
            Pad(b.Span.Slice(row * rank, rank), row);
        }

        MatrixProduct.Multiply(rows, Padded, map.Rows, gradient, map.Rows, 1, _wide.Pointer, Padded, _narrow.Pointer, Padded, accumulate: false);
        MatrixProduct.Multiply(map.Columns, Padded, rows, input, 1, map.Columns, _narrow.Pointer, Padded, _product.Pointer, Padded, accumulate: false);
        for (var column = 0; column < map.Columns; column++)
        {
            for (var r = 0; r < rank; r++)
            {
                result.Pointer[r * map.Columns + column] = _factors.Scale * _product.Pointer[column * Padded + r];
            }
        }
    }

    private void OfB(TensorShape map, int rows, float* gradient, float* input, FloatBuffer result)
    {
        var (a, rank) = (_factors.Values[LowRankFactors.NameA(map)], _factors.Rank);
        _wide.Span[..(map.Columns * Padded)].Clear();
        for (var column = 0; column < map.Columns; column++)
        {
            for (var r = 0; r < rank; r++)
            {
                _wide.Pointer[column * Padded + r] = a.Pointer[r * map.Columns + column];
            }
        }

        MatrixProduct.Multiply(rows, Padded, map.Columns, input, map.Columns, 1, _wide.Pointer, Padded, _narrow.Pointer, Padded, accumulate: false);
        MatrixProduct.Multiply(map.Rows, Padded, rows, gradient, 1, map.Rows, _narrow.Pointer, Padded, _product.Pointer, Padded, accumulate: false);
        for (var row = 0; row < map.Rows; row++)
        {
            for (var r = 0; r < rank; r++)
            {
                result.Pointer[row * rank + r] = _factors.Scale * _product.Pointer[row * Padded + r];
            }
        }
    }

    private void Pad(ReadOnlySpan<float> row, int index)
    {
        var target = _wide.Span.Slice(index * Padded, Padded);
        row.CopyTo(target);
        target[row.Length..].Clear();
    }
}
