using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Kernels;

/// <summary>
/// Q8_0 weights: after the scales of a block, sixteen runs of 64 bytes, run p with inputs 2p and 2p + 1 of output 0, of output 1, ... . Two inputs at a time are
/// multiplied in 16 bits and added in 32: exact, and within every x86-64-v3 machine's reach.
/// </summary>
internal sealed unsafe class Quantized8Matrix(int outputs, int inputs, int slices)
    : QuantizedMatrix(outputs, inputs, slices, PanelScales.Bytes + QuantizedInputs.Block * MatrixTile.Columns, sizeof(short))
{
    private const int Pairs = QuantizedInputs.Block / 2;

    public override ElementType Type => ElementType.Q8_0;

    private protected override void Quantize(float* x, byte* row) => QuantizedInputs.ToShorts(x, Inputs, row);

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
            for (; rows >= 4; rows -= 4, x += 4 * xRow, y += 4 * yRow)
            {
                Rows4(x, xRow, Inputs, weights, first, blocks, y, yRow);
            }

            for (; rows >= 1; rows--, x += xRow, y += yRow)
            {
                Row1(x, Inputs, weights, first, blocks, y);
            }
        }
    }

    private static int Place(int output, int input) => input / 2 * 64 + output * 2 + input % 2;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row1(byte* x, int inputs, byte* weights, int first, int blocks, float* y)
    {
        unchecked
        {
            var (low, high) = (Vector512<float>.Zero, Vector512<float>.Zero);
            var scales = QuantizedInputs.Scales(x, inputs, sizeof(short)) + first;
            var pairs = (int*)x + first * Pairs;
            for (var block = 0; block < blocks; block++, pairs += Pairs)
            {
                var (scaleLow, scaleHigh) = (PanelScales.Low(weights), PanelScales.High(weights));
                weights += PanelScales.Bytes;
                var (sumLow, sumHigh) = (Vector512<int>.Zero, Vector512<int>.Zero);
                for (var pair = 0; pair < Pairs; pair++, weights += 64)
                {
                    var input = Vector512.Create(pairs[pair]).AsInt16();
                    sumLow += IntegerLanes.MultiplyPairs(IntegerLanes.WidenSigned((sbyte*)weights), input);
                    sumHigh += IntegerLanes.MultiplyPairs(IntegerLanes.WidenSigned((sbyte*)weights + 32), input);
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
    private static void Rows4(byte* x, nint xRow, int inputs, byte* weights, int first, int blocks, float* y, nint yRow)
    {
        unchecked
        {
            var (s0, s1, s2, s3) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
            var (t0, t1, t2, t3) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
            var scales = (byte*)(QuantizedInputs.Scales(x, inputs, sizeof(short)) + first);
            var x0 = (int*)x + first * Pairs;
            for (var block = 0; block < blocks; block++, x0 += Pairs, scales += sizeof(float))
            {
                var (scaleLow, scaleHigh) = (PanelScales.Low(weights), PanelScales.High(weights));
                weights += PanelScales.Bytes;
                var (i0, i1, i2, i3) = (Vector512<int>.Zero, Vector512<int>.Zero, Vector512<int>.Zero, Vector512<int>.Zero);
                var (j0, j1, j2, j3) = (Vector512<int>.Zero, Vector512<int>.Zero, Vector512<int>.Zero, Vector512<int>.Zero);
                var at = (byte*)x0;
                for (var pair = 0; pair < Pairs; pair++, weights += 64, at += sizeof(int))
                {
                    var low = IntegerLanes.WidenSigned((sbyte*)weights);
                    var high = IntegerLanes.WidenSigned((sbyte*)weights + 32);
                    var input = Vector512.Create(*(int*)at).AsInt16();
                    i0 += IntegerLanes.MultiplyPairs(low, input);
                    j0 += IntegerLanes.MultiplyPairs(high, input);
                    input = Vector512.Create(*(int*)(at + xRow)).AsInt16();
                    i1 += IntegerLanes.MultiplyPairs(low, input);
                    j1 += IntegerLanes.MultiplyPairs(high, input);
                    input = Vector512.Create(*(int*)(at + 2 * xRow)).AsInt16();
                    i2 += IntegerLanes.MultiplyPairs(low, input);
                    j2 += IntegerLanes.MultiplyPairs(high, input);
                    input = Vector512.Create(*(int*)(at + 3 * xRow)).AsInt16();
                    i3 += IntegerLanes.MultiplyPairs(low, input);
                    j3 += IntegerLanes.MultiplyPairs(high, input);
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
}
