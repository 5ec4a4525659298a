using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Kernels;

/// <summary>
/// The binary16 scales of 32 blocks, one of each output of a panel: output i in the lower and output 16 + i in the upper half of 32-bit word i. Widened by
/// integer steps, since .NET has no vector instruction for it: the exponent and fraction move into place, and a factor of 2^112 mends the bias, exactly, for
/// every finite number.
/// </summary>
internal static unsafe class PanelScales
{
    public const int Bytes = MatrixTile.Columns * sizeof(ushort);
    public const float BiasFactor = 5.192296858534828e33f;
    public const int SignAndMagnitude = unchecked((int)0x8FFFE000);
    private const int ExponentBits = 0x7C00;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Low(byte* scales) =>
        (Vector512.ShiftRightArithmetic(Vector512.ShiftLeft(Vector512.Load((int*)scales), 16), 3) & Vector512.Create(SignAndMagnitude)).AsSingle() * BiasFactor;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> High(byte* scales) =>
        (Vector512.ShiftRightArithmetic(Vector512.Load((int*)scales), 3) & Vector512.Create(SignAndMagnitude)).AsSingle() * BiasFactor;

    public static void Write(byte* scales, int output, ReadOnlySpan<byte> block)
    {
        var bits = BinaryPrimitives.ReadUInt16LittleEndian(block);
        if ((bits & ExponentBits) == ExponentBits)
        {
            throw new ModelFormatException("A scale of the quantised weights is not finite.");
        }

        ((ushort*)scales)[Place(output)] = bits;
    }

    public static float Read(byte* scales, int output) => (float)BitConverter.UInt16BitsToHalf(((ushort*)scales)[Place(output)]);

    private static int Place(int output) => output % 16 * 2 + output % MatrixTile.Columns / 16;
}
