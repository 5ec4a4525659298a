using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Kernels;

/// <summary>
/// Q4_0 weights: after the scales of a block, eight runs of 64 bytes; run p holds inputs 2p and 2p + 1 of each output in its low nibbles and inputs 16 + 2p and
/// 17 + 2p in its high ones. A block's sum of 32 products of at most 8 * 127 fits 16 bits, so 16-bit lanes that may wrap on the way end exact. Lane 2i is output i,
/// lane 2i + 1 output 16 + i.
/// </summary>
internal sealed unsafe class Quantized4Matrix(int outputs, int inputs, int slices)
    : QuantizedMatrix(outputs, inputs, slices, PanelScales.Bytes + QuantizedInputs.Block * MatrixTile.Columns / 2, sizeof(sbyte))
{
    private const int Runs = 8;
    private const int Offset = 8;

    public override ElementType Type => ElementType.Q4_0;

    private protected override void Quantize(float* x, byte* row) => QuantizedInputs.ToBytes(x, Inputs, row);

    private protected override void PackBlock(ReadOnlySpan<byte> stored, int output, byte* packed)
    {
        // GGUF's byte i has inputs i and i + 16 in its nibbles, as here: only the outputs are interleaved.
        for (var input = 0; input < stored.Length; input++)
        {
            packed[Place(output, input)] = stored[input];
        }
    }

    private protected override int Integer(byte* packed, int output, int input) =>
        ((packed[Place(output, input % 16)] >> (input / 16 * 4)) & 15) - Offset;

    private protected override void MultiplySlice(int rows, byte* x, nint xRow, byte* panel, int slice, float* y, nint yRow)
    {
        unchecked
        {
            var (first, blocks) = (slice * SliceBlocks, SliceBlocks);
            var weights = panel + (nint)first * BlockBytes;
            for (var ahead = PanelBytes; rows >= 4; rows -= 4, x += 4 * xRow, y += 4 * yRow, ahead = 0)
            {
                Rows4(x, xRow, Inputs, weights, ahead, first, blocks, y, yRow);
            }

            for (; rows >= 1; rows--, x += xRow, y += yRow)
            {
                Row1(x, Inputs, weights, first, blocks, y);
            }
        }
    }

    private static int Place(int output, int input) => input / 2 * 64 + (output % 16 * 2 + output / 16) * 2 + input % 2;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row1(byte* x, int inputs, byte* weights, int first, int blocks, float* y)
    {
        unchecked
        {
            var (low, high) = (Vector512<float>.Zero, Vector512<float>.Zero);
            var scales = QuantizedInputs.Scales(x, inputs, sizeof(sbyte)) + first;
            var offsets = QuantizedInputs.Offsets(x, inputs, sizeof(sbyte)) + first;
            var pairs = (short*)x + first * 2 * Runs;
            var nibble = Vector512.Create((byte)15);
            for (var block = 0; block < blocks; block++, pairs += 2 * Runs)
            {
                var (scaleLow, scaleHigh) = (PanelScales.Low(weights), PanelScales.High(weights));
                weights += PanelScales.Bytes;
                var (a, b) = (Vector512.Create((short)offsets[block]), Vector512<short>.Zero);
                for (var run = 0; run < Runs; run++, weights += 64)
                {
                    var both = Vector512.Load(weights);
                    a += IntegerLanes.MultiplyPairs(both & nibble, Vector512.Create(pairs[run]).AsSByte());
                    b += IntegerLanes.MultiplyPairs(
                        Vector512.ShiftRightLogical(both.AsUInt16(), 4).AsByte() & nibble, Vector512.Create(pairs[run + Runs]).AsSByte());
                }

                a += b;
                var scale = Vector512.Create(scales[block]);
                low = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(IntegerLanes.EvenShorts(a)), scaleLow * scale, low);
                high = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(IntegerLanes.OddShorts(a)), scaleHigh * scale, high);
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
            var scales = (byte*)(QuantizedInputs.Scales(x, inputs, sizeof(sbyte)) + first);
            var offsets = (byte*)(QuantizedInputs.Offsets(x, inputs, sizeof(sbyte)) + first);
            var pairs = x + first * QuantizedInputs.Block;
            var nibble = Vector512.Create((byte)15);
            for (var block = 0; block < blocks; block++, pairs += QuantizedInputs.Block, scales += sizeof(float), offsets += sizeof(int))
            {
                var (scaleLow, scaleHigh) = (PanelScales.Low(weights), PanelScales.High(weights));
                weights += PanelScales.Bytes;
                var i0 = Vector512.Create(*(short*)offsets);
                var i1 = Vector512.Create(*(short*)(offsets + xRow));
                var i2 = Vector512.Create(*(short*)(offsets + 2 * xRow));
                var i3 = Vector512.Create(*(short*)(offsets + 3 * xRow));
                var (j0, j1, j2, j3) = (Vector512<short>.Zero, Vector512<short>.Zero, Vector512<short>.Zero, Vector512<short>.Zero);
                var at = pairs;
                for (var run = 0; run < Runs; run++, weights += 64, at += 2)
                {
                    Cache.Prefetch(weights + ahead);
                    var both = Vector512.Load(weights);
                    var low = both & nibble;
                    var high = Vector512.ShiftRightLogical(both.AsUInt16(), 4).AsByte() & nibble;

                    // All products before all sums: additions in between take the multipliers' ports from them.
                    var p0 = IntegerLanes.MultiplyPairs(low, Vector512.Create(*(short*)at).AsSByte());
                    var q0 = IntegerLanes.MultiplyPairs(high, Vector512.Create(*(short*)(at + 16)).AsSByte());
                    var p1 = IntegerLanes.MultiplyPairs(low, Vector512.Create(*(short*)(at + xRow)).AsSByte());
                    var q1 = IntegerLanes.MultiplyPairs(high, Vector512.Create(*(short*)(at + xRow + 16)).AsSByte());
                    var p2 = IntegerLanes.MultiplyPairs(low, Vector512.Create(*(short*)(at + 2 * xRow)).AsSByte());
                    var q2 = IntegerLanes.MultiplyPairs(high, Vector512.Create(*(short*)(at + 2 * xRow + 16)).AsSByte());
                    var p3 = IntegerLanes.MultiplyPairs(low, Vector512.Create(*(short*)(at + 3 * xRow)).AsSByte());
                    var q3 = IntegerLanes.MultiplyPairs(high, Vector512.Create(*(short*)(at + 3 * xRow + 16)).AsSByte());
                    (i0, j0, i1, j1) = (i0 + p0, j0 + q0, i1 + p1, j1 + q1);
                    (i2, j2, i3, j3) = (i2 + p2, j2 + q2, i3 + p3, j3 + q3);
                }

                (i0, i1, i2, i3) = (i0 + j0, i1 + j1, i2 + j2, i3 + j3);
                var scale = Vector512.Create(*(float*)scales);
                s0 = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(IntegerLanes.EvenShorts(i0)), scaleLow * scale, s0);
                t0 = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(IntegerLanes.OddShorts(i0)), scaleHigh * scale, t0);
                scale = Vector512.Create(*(float*)(scales + xRow));
                s1 = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(IntegerLanes.EvenShorts(i1)), scaleLow * scale, s1);
                t1 = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(IntegerLanes.OddShorts(i1)), scaleHigh * scale, t1);
                scale = Vector512.Create(*(float*)(scales + 2 * xRow));
                s2 = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(IntegerLanes.EvenShorts(i2)), scaleLow * scale, s2);
                t2 = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(IntegerLanes.OddShorts(i2)), scaleHigh * scale, t2);
                scale = Vector512.Create(*(float*)(scales + 3 * xRow));
                s3 = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(IntegerLanes.EvenShorts(i3)), scaleLow * scale, s3);
                t3 = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(IntegerLanes.OddShorts(i3)), scaleHigh * scale, t3);
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
}
