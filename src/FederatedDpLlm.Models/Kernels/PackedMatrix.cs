namespace FederatedDpLlm.Models.Kernels;

/// <summary>
/// The weights of a linear map y = x W^T, packed for <see cref="MatrixTile"/>: panels of 32 outputs, [panel][input][32], the last panel filled with zeros.
/// The inputs are cut into equal canonical slices, each a chain of its own, combined by <see cref="ReductionTree"/>: a rank of a tensor-parallel group that
/// owns some slices computes nodes of the same tree, so that the bits do not depend on the cut.
/// </summary>
internal sealed unsafe class PackedMatrix
{
    private const int MaximumSlices = 8;
    private const int RowsTogether = 8;
    private readonly FloatBuffer _panels;
    private readonly int _slices;

    public PackedMatrix(int outputs, int inputs, int slices = 1)
    {
        if (slices is < 1 or > MaximumSlices || inputs % slices != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(slices), slices, $"Slices are 1 to {MaximumSlices} and divide the {inputs} inputs.");
        }

        (Outputs, Inputs, _slices) = (outputs, inputs, slices);
        _panels = new FloatBuffer(checked(Panels * inputs * MatrixTile.Columns));
    }

    public int Outputs { get; }

    public int Inputs { get; }

    private int Panels => (Outputs + MatrixTile.Columns - 1) / MatrixTile.Columns;

    /// <param name="weights">Row-major [outputs, inputs].</param>
    public static PackedMatrix Pack(ReadOnlySpan<float> weights, int outputs, int inputs, int slices = 1)
    {
        var packed = new PackedMatrix(outputs, inputs, slices);
        packed.Repack(weights);
        return packed;
    }

    /// <summary>Takes new weights of the same shape.</summary>
    public void Repack(ReadOnlySpan<float> weights)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(weights.Length, Outputs * Inputs);
        var panels = _panels.Span;
        for (var output = 0; output < Outputs; output++)
        {
            var row = weights.Slice(output * Inputs, Inputs);
            var at = output / MatrixTile.Columns * Inputs * MatrixTile.Columns + output % MatrixTile.Columns;
            for (var input = 0; input < row.Length; input++, at += MatrixTile.Columns)
            {
                panels[at] = row[input];
            }
        }
    }

    /// <summary>y[r, 0..outputs-1] = x[r, 0..inputs-1] W^T for <paramref name="rows"/> rows.</summary>
    public void Multiply(int rows, float* x, nint xRow, float* y, nint yRow) => Multiply(rows, x, xRow, y, yRow, 0, Panels);

    /// <summary>The outputs of some panels only: threads share a single row by panels.</summary>
    public void Multiply(int rows, float* x, nint xRow, float* y, nint yRow, int firstPanel, int endPanel)
    {
        for (var panel = firstPanel; panel < endPanel; panel++)
        {
            var weights = _panels.Pointer + (nint)panel * Inputs * MatrixTile.Columns;
            var output = y + panel * MatrixTile.Columns;
            if (_slices == 1 && (panel + 1) * MatrixTile.Columns <= Outputs)
            {
                MatrixTile.Multiply(rows, x, xRow, 1, weights, MatrixTile.Columns, Inputs, output, yRow, accumulate: false);
            }
            else
            {
                MultiplyThroughScratch(rows, x, xRow, weights, output, yRow, Math.Min(MatrixTile.Columns, Outputs - panel * MatrixTile.Columns));
            }
        }

        GC.KeepAlive(_panels);
    }

    private void MultiplyThroughScratch(int rows, float* x, nint xRow, float* weights, float* y, nint yRow, int columns)
    {
        const int TileSize = RowsTogether * MatrixTile.Columns;
        var partial = stackalloc float[MaximumSlices * TileSize];
        var depth = Inputs / _slices;
        for (var first = 0; first < rows; first += RowsTogether)
        {
            var count = Math.Min(RowsTogether, rows - first);
            for (var slice = 0; slice < _slices; slice++)
            {
                MatrixTile.Multiply(
                    count, x + first * xRow + slice * depth, xRow, 1, weights + slice * depth * MatrixTile.Columns, MatrixTile.Columns, depth,
                    partial + slice * TileSize, MatrixTile.Columns, accumulate: false);
            }

            ReductionTree.Combine(partial, _slices, TileSize);
            for (var row = 0; row < count; row++)
            {
                new ReadOnlySpan<float>(partial + row * MatrixTile.Columns, columns).CopyTo(new Span<float>(y + (first + row) * yRow, columns));
            }
        }
    }
}
