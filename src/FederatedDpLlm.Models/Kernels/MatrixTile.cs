using System.Runtime.Intrinsics;

namespace FederatedDpLlm.Models.Kernels;

/// <summary>
/// The one inner product of the engine. Every output is a chain of fused multiply-adds over k = 0, 1, 2, ... of its own; registers hold different outputs,
/// never parts of one sum. So the result's bits do not depend on the width of the machine's registers, on how many rows are computed together, nor on where
/// a chunk ends: the arithmetic is canonical by construction, and no horizontal reduction exists. (IEEE 754-2019, 5.4.1: fusedMultiplyAdd is exact but
/// for one rounding on every machine.)
/// </summary>
internal static unsafe class MatrixTile
{
    /// <summary>Outputs computed together; weights are packed and key blocks laid out in this width.</summary>
    public const int Columns = 32;

    /// <summary>c[r, 0..31] = (accumulate ? c[r, 0..31] : 0) + sum over k of a[r, k] * b[k, 0..31], for <paramref name="rows"/> rows.</summary>
    /// <param name="rows">Any number of rows.</param>
    /// <param name="a">Element (r, k) lies at r * aRow + k * aStep.</param>
    /// <param name="aRow">Floats from a row of a to the next.</param>
    /// <param name="aStep">Floats from one k to the next in a.</param>
    /// <param name="b">Element (k, n) lies at k * bStep + n.</param>
    /// <param name="bStep">Floats from one k to the next in b.</param>
    /// <param name="depth">The number of k.</param>
    /// <param name="c">Element (r, n) lies at r * cRow + n.</param>
    /// <param name="cRow">Floats from a row of c to the next.</param>
    /// <param name="accumulate">Whether the chains go on from c.</param>
    public static void Multiply(int rows, float* a, nint aRow, nint aStep, float* b, nint bStep, nint depth, float* c, nint cRow, bool accumulate)
    {
        Multiply<Float32Row>(rows, a, aRow, aStep, (byte*)b, bStep * sizeof(float), depth, c, cRow, accumulate);
    }

    /// <summary>As above, for rows of b that are stored in another type; <paramref name="bStep"/> is in bytes.</summary>
    public static void Multiply<TRow>(int rows, float* a, nint aRow, nint aStep, byte* b, nint bStep, nint depth, float* c, nint cRow, bool accumulate)
        where TRow : struct, IPanelRow
    {
        if (Vector512.IsHardwareAccelerated)
        {
            MatrixTile512.Multiply<TRow>(rows, a, aRow, aStep, b, bStep, depth, c, cRow, accumulate);
        }
        else
        {
            MatrixTile256.Multiply<TRow>(rows, a, aRow, aStep, b, bStep, depth, c, cRow, accumulate);
        }
    }

    /// <summary>As above, for the first 16 columns: heads of 16 would else be computed one chain at a time.</summary>
    public static void MultiplyHalf(int rows, float* a, nint aRow, nint aStep, float* b, nint bStep, nint depth, float* c, nint cRow, bool accumulate)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            MatrixTile512.MultiplyHalf(rows, a, aRow, aStep, b, bStep, depth, c, cRow, accumulate);
        }
        else
        {
            MatrixTile256.MultiplyHalf(rows, a, aRow, aStep, b, bStep, depth, c, cRow, accumulate);
        }
    }

    /// <summary>The same chains one by one, for any number of columns: edges of odd shapes, and the definition that the tests hold the tiles to.</summary>
    public static void MultiplyEdge(
        int rows, int columns, float* a, nint aRow, nint aStep, float* b, nint bStep, nint depth, float* c, nint cRow, bool accumulate)
    {
        unchecked
        {
            for (var r = 0; r < rows; r++)
            {
                for (var n = 0; n < columns; n++)
                {
                    var sum = accumulate ? c[r * cRow + n] : 0f;
                    for (nint k = 0; k < depth; k++)
                    {
                        sum = MathF.FusedMultiplyAdd(a[r * aRow + k * aStep], b[k * bStep + n], sum);
                    }

                    c[r * cRow + n] = sum;
                }
            }
        }
    }
}
