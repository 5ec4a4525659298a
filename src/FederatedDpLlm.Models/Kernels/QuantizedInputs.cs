using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FederatedDpLlm.Models.Kernels;

/// <summary>
/// Inputs of quantised matrices, in blocks of 32: scale = max |x| / 127, integers = x / scale rounded to nearest even. One row lies as all integers, then the
/// scales, then what a kernel's sums of a block begin with.
/// </summary>
internal static unsafe class QuantizedInputs
{
    public const int Block = 32;

    /// <summary>Bytes of an input of <see cref="ToMagnitudes"/>.</summary>
    public const int MagnitudeBytes = 2;

    /// <summary>Bytes of a block of <see cref="ToBlocks"/>: 32 integers, their scale, and the offset.</summary>
    public const int BlockBytes = Block + sizeof(float) + sizeof(int);

    /// <summary>Where such a block has its scale.</summary>
    public const int ScalePlace = Block;

    /// <summary>Where it has its offset.</summary>
    public const int OffsetPlace = Block + sizeof(float);

    private const int AlignmentBytes = 64;

    /// <summary>Bytes of a row whose integers take <paramref name="integerBytes"/> bytes each.</summary>
    public static int RowBytes(int inputs, int integerBytes) =>
        (inputs * integerBytes + inputs / Block * (sizeof(float) + sizeof(int)) + AlignmentBytes - 1) / AlignmentBytes * AlignmentBytes;

    public static float* Scales(byte* row, int inputs, int integerBytes) => (float*)(row + (nint)inputs * integerBytes);

    /// <summary>What the sums of a block begin with: it depends on the inputs alone.</summary>
    public static int* Offsets(byte* row, int inputs, int integerBytes) => (int*)Scales(row, inputs, integerBytes) + inputs / Block;

    /// <summary>
    /// As the multiplier of 8-bit weights takes them, which wants one factor without a sign: per block the 32 magnitudes, then 32 bytes of ones where the input is
    /// negative. x * w = |x| * (w ^ ones) + |x| there, since w ^ ones = -w - 1; the offset is what the block lacks for that.
    /// </summary>
    public static void ToMagnitudes(float* x, int inputs, byte* row)
    {
        var scales = Scales(row, inputs, MagnitudeBytes);
        var offsets = Offsets(row, inputs, MagnitudeBytes);
        for (var block = 0; block < inputs / Block; block++)
        {
            var (low, high) = Quantize(x + block * Block, scales + block);
            var integers = Narrow(low, high);
            var to = row + block * Block * MagnitudeBytes;
            Vector256.Abs(integers).AsByte().Store(to);
            Vector256.LessThan(integers, Vector256<sbyte>.Zero).AsByte().Store(to + Block);
            offsets[block] = -IntegerLanes.Sum(Vector512.Min(low, Vector512<int>.Zero) + Vector512.Min(high, Vector512<int>.Zero));
        }
    }

    /// <summary>Integers of 8 bits, as the multiplier of 4-bit weights takes them; the offset takes off the 8 that is added to weights where they are stored.</summary>
    public static void ToBytes(float* x, int inputs, byte* row)
    {
        var scales = Scales(row, inputs, sizeof(sbyte));
        var offsets = Offsets(row, inputs, sizeof(sbyte));
        for (var block = 0; block < inputs / Block; block++)
        {
            var (low, high) = Quantize(x + block * Block, scales + block);
            Narrow(low, high).Store((sbyte*)row + block * Block);
            offsets[block] = -8 * IntegerLanes.Sum(low + high);
        }
    }

    /// <summary>
    /// As the multiplier of unsigned with signed bytes takes them: integers of 8 bits, block after block with its scale and offset; the offset takes off the 128 that is
    /// added to weights for being unsigned.
    /// </summary>
    public static void ToBlocks(float* x, int inputs, byte* row)
    {
        for (var block = 0; block < inputs / Block; block++, row += BlockBytes)
        {
            var (low, high) = Quantize(x + block * Block, (float*)(row + ScalePlace));
            Narrow(low, high).Store((sbyte*)row);
            *(int*)(row + OffsetPlace) = -128 * IntegerLanes.Sum(low + high);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<sbyte> Narrow(Vector512<int> low, Vector512<int> high)
    {
        var shorts = Vector512.Narrow(low, high);
        return Vector256.Narrow(shorts.GetLower(), shorts.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<int> Low, Vector512<int> High) Quantize(float* x, float* scale)
    {
        var (low, high) = (Vector512.Load(x), Vector512.Load(x + 16));
        var largest = Largest(Vector512.Max(Vector512.Abs(low), Vector512.Abs(high)));
        *scale = largest / 127f;
        var inverse = largest > 0 ? 127f / largest : 0f;
        return (Vector512.ConvertToInt32Native(Vector512.Round(low * inverse)), Vector512.ConvertToInt32Native(Vector512.Round(high * inverse)));
    }

    // A maximum does not depend on order.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Largest(Vector512<float> lanes)
    {
        var eight = Vector256.Max(lanes.GetLower(), lanes.GetUpper());
        var four = Vector128.Max(eight.GetLower(), eight.GetUpper());
        return MathF.Max(MathF.Max(four.GetElement(0), four.GetElement(1)), MathF.Max(four.GetElement(2), four.GetElement(3)));
    }
}
