using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FederatedDpLlm.Models.Kernels;

/// <summary>How 32 weights that are multiplied by the same input lie in memory, widened to float exactly: the tiles' arithmetic is one for all types.</summary>
internal unsafe interface IPanelRow
{
    static abstract Vector512<float> Low(byte* row);

    static abstract Vector512<float> High(byte* row);

    /// <summary>Eight of the 32, for machines with 256-bit registers.</summary>
    static abstract Vector256<float> Quarter(byte* row, int quarter);
}

/// <summary>32 floats.</summary>
internal readonly unsafe struct Float32Row : IPanelRow
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Low(byte* row) => Vector512.Load((float*)row);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> High(byte* row) => Vector512.Load((float*)row + 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Quarter(byte* row, int quarter) => Vector256.Load((float*)row + 8 * quarter);
}

/// <summary>32 bfloat16, weight i in the lower and weight 16 + i in the upper half of 32-bit word i, so that a shift and a mask widen them.</summary>
internal readonly unsafe struct BFloat16Row : IPanelRow
{
    private const uint UpperHalf = 0xFFFF0000;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Low(byte* row) => Vector512.ShiftLeft(Vector512.Load((uint*)row), 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> High(byte* row) => (Vector512.Load((uint*)row) & Vector512.Create(UpperHalf)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Quarter(byte* row, int quarter) =>
        (Vector256.ShiftLeft(Vector256.Load((uint*)row + 8 * (quarter & 1)), 16 - 16 * (quarter >> 1)) & Vector256.Create(UpperHalf)).AsSingle();
}
