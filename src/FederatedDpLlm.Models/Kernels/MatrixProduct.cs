namespace FederatedDpLlm.Models.Kernels;

/// <summary>Products of plain row-major matrices, for the backward pass; the sums are <see cref="MatrixTile"/>'s.</summary>
internal static unsafe class MatrixProduct
{
    /// <summary>c[m, n] (+)= sum over k of a(m, k) * b[k, n], where a(m, k) lies at m * aRow + k * aStep, so that a transposed matrix is one with its strides swapped.</summary>
    public static void Multiply(
        int rows, int columns, int depth, float* a, nint aRow, nint aStep, float* b, nint bRow, float* c, nint cRow, bool accumulate)
    {
        unchecked
        {
            var n = 0;
            for (; n + MatrixTile.Columns <= columns; n += MatrixTile.Columns)
            {
                MatrixTile.Multiply(rows, a, aRow, aStep, b + n, bRow, depth, c + n, cRow, accumulate);
            }

            if (n + MatrixTile.Columns / 2 <= columns)
            {
                MatrixTile.MultiplyHalf(rows, a, aRow, aStep, b + n, bRow, depth, c + n, cRow, accumulate);
                n += MatrixTile.Columns / 2;
            }

            if (n < columns)
            {
                MatrixTile.MultiplyEdge(rows, columns - n, a, aRow, aStep, b + n, bRow, depth, c + n, cRow, accumulate);
            }
        }
    }
}
