using System.Runtime.InteropServices;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Kernels;

/// <summary>Bfloat16 weights as [panel][input][32], multiplied as the floats that they are: the results have the bits of the widened matrix.</summary>
internal sealed unsafe class BFloat16Matrix(int outputs, int inputs, int slices)
    : PackedMatrix(outputs, inputs, slices, (long)inputs * RowBytes)
{
    private const int RowBytes = MatrixTile.Columns * sizeof(ushort);

    public override ElementType Type => ElementType.BFloat16;

    public override void ReadRow(int output, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)output, (uint)Outputs);
        var place = (ushort*)Panel(output / MatrixTile.Columns) + PlaceInRow(output);
        for (var input = 0; input < Inputs; input++, place += MatrixTile.Columns)
        {
            destination[input] = ElementConversion.FromBFloat16(*place);
        }

        GC.KeepAlive(this);
    }

    private protected override void MultiplySlice(int rows, byte* x, nint xRow, byte* panel, int slice, float* y, nint yRow)
    {
        nint depth = Inputs / Slices;
        MatrixTile.Multiply<BFloat16Row>(
            rows, (float*)x + slice * depth, xRow / sizeof(float), 1, panel + slice * depth * RowBytes, RowBytes, depth, y, yRow, accumulate: false);
    }

    private protected override void PackPanel(ReadOnlySpan<byte> stored, int rows, byte* panel)
    {
        var values = MemoryMarshal.Cast<byte, ushort>(stored);
        for (var row = 0; row < rows; row++)
        {
            var place = (ushort*)panel + PlaceInRow(row);
            for (var input = 0; input < Inputs; input++, place += MatrixTile.Columns)
            {
                *place = values[row * Inputs + input];
            }
        }
    }

    // Of BFloat16Row: the lower halves are outputs 0 to 15, the upper halves 16 to 31.
    private static int PlaceInRow(int output) => output % 16 * 2 + output % MatrixTile.Columns / 16;
}
