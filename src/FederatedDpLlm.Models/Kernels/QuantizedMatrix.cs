using System.Buffers;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Kernels;

/// <summary>
/// Quantised weights as [panel][block of 32 inputs][scales of 32 outputs, then integers], multiplied by quantised inputs: within a block the integers are
/// summed exactly, so in any order; a slice's blocks are a chain of fused multiply-adds, sum = fma((float)integers, weightScale * inputScale, sum).
/// </summary>
internal abstract unsafe class QuantizedMatrix : PackedMatrix
{
    private readonly int _integerBytes;

    /// <param name="outputs">Rows of W.</param>
    /// <param name="inputs">Columns of W.</param>
    /// <param name="slices">Canonical slices of the inputs, each of whole blocks.</param>
    /// <param name="blockBytes">Bytes of a block of 32 inputs of a panel.</param>
    /// <param name="integerBytes">Bytes of a quantised input.</param>
    private protected QuantizedMatrix(int outputs, int inputs, int slices, int blockBytes, int integerBytes)
        : base(outputs, inputs, slices, (long)(inputs / QuantizedInputs.Block) * blockBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(inputs / slices % QuantizedInputs.Block, 0, nameof(slices));
        (BlockBytes, _integerBytes) = (blockBytes, integerBytes);
    }

    private protected int BlockBytes { get; }

    private protected int SliceBlocks => Inputs / Slices / QuantizedInputs.Block;

    public override void Multiply(int rows, float* x, nint xRow, float* y, nint yRow, int firstPanel, int endPanel)
    {
        var rowBytes = QuantizedInputs.RowBytes(Inputs, _integerBytes);
        var rented = ArrayPool<byte>.Shared.Rent(checked(rows * rowBytes));
        fixed (byte* quantized = rented)
        {
            for (var row = 0; row < rows; row++)
            {
                Quantize(x + row * xRow, quantized + (nint)row * rowBytes);
            }

            MultiplyPanels(rows, quantized, rowBytes, y, yRow, firstPanel, endPanel);
        }

        ArrayPool<byte>.Shared.Return(rented);
    }

    public override void ReadRow(int output, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)output, (uint)Outputs);
        for (var block = 0; block < Inputs / QuantizedInputs.Block; block++)
        {
            var packed = Panel(output / MatrixTile.Columns) + (nint)block * BlockBytes;
            var scale = PanelScales.Read(packed, output);
            for (var i = 0; i < QuantizedInputs.Block; i++)
            {
                destination[block * QuantizedInputs.Block + i] = scale * Integer(packed + PanelScales.Bytes, output % MatrixTile.Columns, i);
            }
        }

        GC.KeepAlive(this);
    }

    private protected override void PackPanel(ReadOnlySpan<byte> stored, int rows, byte* panel)
    {
        var blocks = Inputs / QuantizedInputs.Block;
        for (var row = 0; row < rows; row++)
        {
            for (var block = 0; block < blocks; block++)
            {
                var from = stored.Slice((row * blocks + block) * Type.BlockBytes(), Type.BlockBytes());
                var packed = panel + (nint)block * BlockBytes;
                PanelScales.Write(packed, row, from);
                PackBlock(from[QuantizedBlocks.ScaleBytes..], row, packed + PanelScales.Bytes);
            }
        }
    }

    private protected abstract void Quantize(float* x, byte* row);

    /// <summary>Lays one output's 32 stored integers between those of the others.</summary>
    private protected abstract void PackBlock(ReadOnlySpan<byte> stored, int output, byte* packed);

    /// <summary>The integer that was stored.</summary>
    private protected abstract int Integer(byte* packed, int output, int input);
}
