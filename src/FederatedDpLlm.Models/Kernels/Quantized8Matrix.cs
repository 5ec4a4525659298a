using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FederatedDpLlm.Models.Kernels.MachineCode;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Kernels;

/// <summary>
/// Q8_0 weights: after the scales of a block, eight runs of 128 bytes, run q with inputs 4q to 4q + 3 of output 0, of output 1, ... . Products of bytes are added
/// by two in 16 bits and by four in 32: exact, and within every x86-64-v3 machine's reach. Where the processor adds four products in one instruction,
/// <see cref="Quantized8Tiles"/> gives the same bits sooner.
/// </summary>
/// <param name="outputs">Rows of W.</param>
/// <param name="inputs">Columns of W.</param>
/// <param name="slices">Canonical slices of the inputs.</param>
/// <param name="tiles">Kernels of our own code; null for the managed ones.</param>
internal sealed unsafe class Quantized8Matrix(int outputs, int inputs, int slices, Quantized8Tiles? tiles)
    : QuantizedMatrix(
        outputs, inputs, slices, PanelScales.Bytes + QuantizedInputs.Block * MatrixTile.Columns, tiles is null ? QuantizedInputs.MagnitudeBytes : sizeof(sbyte))
{
    private const int Quads = QuantizedInputs.Block / 4;
    private const int QuadBytes = 4 * MatrixTile.Columns;
    private const int BlockInputBytes = QuantizedInputs.Block * QuantizedInputs.MagnitudeBytes;

    public override ElementType Type => ElementType.Q8_0;

    private protected override void Quantize(float* x, byte* row)
    {
        if (tiles is null)
        {
            QuantizedInputs.ToMagnitudes(x, Inputs, row);
        }
        else
        {
            QuantizedInputs.ToBlocks(x, Inputs, row);
        }
    }

    private protected override void PackBlock(ReadOnlySpan<byte> stored, int output, byte* packed)
    {
        for (var input = 0; input < QuantizedInputs.Block; input++)
        {
            packed[Place(output, input)] = stored[input];
        }
    }

    private protected override int Integer(byte* packed, int output, int input) => ((sbyte*)packed)[Place(output, input)];

    private protected override void MultiplySlice(int rows, byte* x, nint xRow, byte* panel, int slice, float* y, nint yRow)
    {
        unchecked
        {
            var (first, blocks) = (slice * SliceBlocks, SliceBlocks);
            var weights = panel + (nint)first * BlockBytes;
            if (tiles is not null)
            {
                MultiplyInTiles(tiles, rows, x + first * QuantizedInputs.BlockBytes, xRow, weights, blocks, y, yRow);
                return;
            }

            for (var ahead = PanelBytes; rows >= 4; rows -= 4, x += 4 * xRow, y += 4 * yRow, ahead = ahead == PanelBytes ? PanelBytes + 64 : 0)
            {
                Rows4(x, xRow, Inputs, weights, ahead, first, blocks, y, yRow);
            }

            for (; rows >= 1; rows--, x += xRow, y += yRow)
            {
                Row1(x, Inputs, weights, first, blocks, y);
            }
        }
    }

    private void MultiplyInTiles(Quantized8Tiles code, int rows, byte* x, nint xRow, byte* weights, int blocks, float* y, nint yRow)
    {
        unchecked
        {
            // Equal tiles, or nearly: a row that is left over alone would cost as much as two.
            for (var left = (rows + Quantized8Code.MostRows - 1) / Quantized8Code.MostRows; left > 0; left--)
            {
                var count = (rows + left - 1) / left;
                code.Multiply(count, x, xRow, weights, blocks, PanelBytes, y, yRow * sizeof(float));
                rows -= count;
                x += count * xRow;
                y += count * yRow;
            }
        }
    }

    private static int Place(int output, int input) => input / 4 * QuadBytes + output * 4 + input % 4;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row1(byte* x, int inputs, byte* weights, int first, int blocks, float* y)
    {
        unchecked
        {
            var (low, high) = (Vector512<float>.Zero, Vector512<float>.Zero);
            var scales = QuantizedInputs.Scales(x, inputs, QuantizedInputs.MagnitudeBytes) + first;
            var offsets = QuantizedInputs.Offsets(x, inputs, QuantizedInputs.MagnitudeBytes) + first;
            x += first * BlockInputBytes;
            for (var block = 0; block < blocks; block++, x += BlockInputBytes)
            {
                var (scaleLow, scaleHigh) = (PanelScales.Low(weights), PanelScales.High(weights));
                weights += PanelScales.Bytes;
                var (sumLow, sumHigh) = (Vector512.Create(offsets[block]), Vector512.Create(offsets[block]));
                var at = x;
                for (var quad = 0; quad < Quads; quad++, weights += QuadBytes, at += 4)
                {
                    var (magnitudes, negative) = (Magnitudes(at), Negative(at));
                    sumLow += IntegerLanes.MultiplyQuads(magnitudes, Vector512.Load((sbyte*)weights) ^ negative);
                    sumHigh += IntegerLanes.MultiplyQuads(magnitudes, Vector512.Load((sbyte*)weights + 64) ^ negative);
                }

                var scale = Vector512.Create(scales[block]);
                low = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(sumLow), scaleLow * scale, low);
                high = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(sumHigh), scaleHigh * scale, high);
            }

            low.Store(y);
            high.Store(y + 16);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows4(byte* x, nint xRow, int inputs, byte* weights, nint ahead, int first, int blocks, float* y, nint yRow)
    {
        unchecked
        {
            var (s0, s1, s2, s3) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
            var (t0, t1, t2, t3) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
            var scales = (byte*)(QuantizedInputs.Scales(x, inputs, QuantizedInputs.MagnitudeBytes) + first);
            var offsets = (byte*)(QuantizedInputs.Offsets(x, inputs, QuantizedInputs.MagnitudeBytes) + first);
            x += first * BlockInputBytes;
            for (var block = 0; block < blocks; block++, x += BlockInputBytes, scales += sizeof(float), offsets += sizeof(int))
            {
                var (scaleLow, scaleHigh) = (PanelScales.Low(weights), PanelScales.High(weights));
                weights += PanelScales.Bytes;
                var i0 = Vector512.Create(*(int*)offsets);
                var i1 = Vector512.Create(*(int*)(offsets + xRow));
                var i2 = Vector512.Create(*(int*)(offsets + 2 * xRow));
                var i3 = Vector512.Create(*(int*)(offsets + 3 * xRow));
                var (j0, j1, j2, j3) = (i0, i1, i2, i3);
                var at = x;
                for (var quad = 0; quad < Quads; quad++, weights += QuadBytes, at += 4)
                {
                    Cache.Prefetch(weights + ahead);
                    var (low, high) = (Vector512.Load((sbyte*)weights), Vector512.Load((sbyte*)weights + 64));

                    // All products before all sums: additions in between take the multipliers' ports from them.
                    var (magnitudes, negative) = (Magnitudes(at), Negative(at));
                    var (p0, q0) = (IntegerLanes.MultiplyQuads(magnitudes, low ^ negative), IntegerLanes.MultiplyQuads(magnitudes, high ^ negative));
                    (magnitudes, negative) = (Magnitudes(at + xRow), Negative(at + xRow));
                    var (p1, q1) = (IntegerLanes.MultiplyQuads(magnitudes, low ^ negative), IntegerLanes.MultiplyQuads(magnitudes, high ^ negative));
                    (magnitudes, negative) = (Magnitudes(at + 2 * xRow), Negative(at + 2 * xRow));
                    var (p2, q2) = (IntegerLanes.MultiplyQuads(magnitudes, low ^ negative), IntegerLanes.MultiplyQuads(magnitudes, high ^ negative));
                    (magnitudes, negative) = (Magnitudes(at + 3 * xRow), Negative(at + 3 * xRow));
                    var (p3, q3) = (IntegerLanes.MultiplyQuads(magnitudes, low ^ negative), IntegerLanes.MultiplyQuads(magnitudes, high ^ negative));
                    (i0, j0, i1, j1) = (i0 + p0, j0 + q0, i1 + p1, j1 + q1);
                    (i2, j2, i3, j3) = (i2 + p2, j2 + q2, i3 + p3, j3 + q3);
                }

                var scale = Vector512.Create(*(float*)scales);
                s0 = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(i0), scaleLow * scale, s0);
                t0 = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(j0), scaleHigh * scale, t0);
                scale = Vector512.Create(*(float*)(scales + xRow));
                s1 = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(i1), scaleLow * scale, s1);
                t1 = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(j1), scaleHigh * scale, t1);
                scale = Vector512.Create(*(float*)(scales + 2 * xRow));
                s2 = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(i2), scaleLow * scale, s2);
                t2 = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(j2), scaleHigh * scale, t2);
                scale = Vector512.Create(*(float*)(scales + 3 * xRow));
                s3 = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(i3), scaleLow * scale, s3);
                t3 = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(j3), scaleHigh * scale, t3);
            }

            s0.Store(y);
            t0.Store(y + 16);
            s1.Store(y + yRow);
            t1.Store(y + yRow + 16);
            s2.Store(y + 2 * yRow);
            t2.Store(y + 2 * yRow + 16);
            s3.Store(y + 3 * yRow);
            t3.Store(y + 3 * yRow + 16);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Magnitudes(byte* quad) => Vector512.Create(*(int*)quad).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<sbyte> Negative(byte* quad) => Vector512.Create(*(int*)(quad + QuantizedInputs.Block)).AsSByte();
}
