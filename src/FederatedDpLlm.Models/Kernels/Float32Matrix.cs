using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Kernels;

/// <summary>Float weights as [panel][input][32].</summary>
internal sealed unsafe class Float32Matrix(int outputs, int inputs, int slices)
    : PackedMatrix(outputs, inputs, slices, (long)inputs * RowBytes)
{
    private const int RowBytes = MatrixTile.Columns * sizeof(float);

    public override ElementType Type => ElementType.Float32;

    public override void Repack(ReadOnlySpan<float> weights)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(weights.Length, Outputs * Inputs);
        for (var output = 0; output < Outputs; output++)
        {
            var row = weights.Slice(output * Inputs, Inputs);
            var place = (float*)Panel(output / MatrixTile.Columns) + output % MatrixTile.Columns;
            foreach (var weight in row)
            {
                *place = weight;
                place += MatrixTile.Columns;
            }
        }

        GC.KeepAlive(this);
    }

    public override void ReadRow(int output, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)output, (uint)Outputs);
        var place = (float*)Panel(output / MatrixTile.Columns) + output % MatrixTile.Columns;
        for (var input = 0; input < Inputs; input++, place += MatrixTile.Columns)
        {
            destination[input] = *place;
        }

        GC.KeepAlive(this);
    }

    private protected override void MultiplySlice(int rows, byte* x, nint xRow, byte* panel, int slice, float* y, nint yRow)
    {
        nint depth = Inputs / Slices;
        MatrixTile.Multiply<Float32Row>(
            rows, (float*)x + slice * depth, xRow / sizeof(float), 1, panel + slice * depth * RowBytes, RowBytes, depth, y, yRow, accumulate: false);
    }
}
