namespace FederatedDpLlm.Models.Kernels;

/// <summary>Products of plain row-major matrices, for the backward pass; the sums are <see cref="MatrixTile"/>'s.</summary>
internal static unsafe class MatrixProduct
{
    // As much of a as stays in a core's cache while all columns pass by.
    private const int FloatsTogether = 64 * 1024;
    private const int FewestRows = 64;

    // Steps of whole pages (a transposed matrix of 1,024 columns) fall onto the same lines of a cache: few together, so that a line is still there for the next
    // rows. The chains go on from c.
    private const int PageFloats = 1024;
    private const int StepsTogether = 128;

    /// <summary>c[m, n] (+)= sum over k of a(m, k) * b[k, n], where a(m, k) lies at m * aRow + k * aStep, so that a transposed matrix is one with its strides swapped.</summary>
    public static void Multiply(
        int rows, int columns, int depth, float* a, nint aRow, nint aStep, float* b, nint bRow, float* c, nint cRow, bool accumulate)
    {
        unchecked
        {
            if (aStep % PageFloats == 0 && depth > StepsTogether)
            {
                for (var first = 0; first < depth; first += StepsTogether)
                {
                    MultiplyTogether(
                        rows, columns, Math.Min(StepsTogether, depth - first), a + first * aStep, aRow, aStep, b + first * bRow, bRow, c, cRow, accumulate || first > 0);
                }

                return;
            }

            var together = Math.Max(FewestRows, FloatsTogether / Math.Max(1, depth) / FewestRows * FewestRows);
            for (; rows > 0; rows -= together, a += together * aRow, c += together * cRow)
            {
                MultiplyTogether(Math.Min(rows, together), columns, depth, a, aRow, aStep, b, bRow, c, cRow, accumulate);
            }
        }
    }

    private static void MultiplyTogether(
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
