using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FederatedDpLlm.Models.Kernels;

/// <summary>Integer steps that every machine computes exactly, by whatever instruction it has for them.</summary>
internal static unsafe class IntegerLanes
{
    /// <summary>Lane i = a[2i] * b[2i] + a[2i+1] * b[2i+1], in 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> MultiplyPairs(Vector512<short> a, Vector512<short> b)
    {
        if (Avx512BW.IsSupported)
        {
            return Avx512BW.MultiplyAddAdjacent(a, b);
        }

        if (Avx2.IsSupported)
        {
            return Vector512.Create(Avx2.MultiplyAddAdjacent(a.GetLower(), b.GetLower()), Avx2.MultiplyAddAdjacent(a.GetUpper(), b.GetUpper()));
        }

        return EvenShorts(a) * EvenShorts(b) + OddShorts(a) * OddShorts(b);
    }

    /// <summary>Lane i = a[2i] * b[2i] + a[2i+1] * b[2i+1], in 16 bits; the caller's ranges keep it from overflowing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> MultiplyPairs(Vector512<byte> a, Vector512<sbyte> b)
    {
        if (Avx512BW.IsSupported)
        {
            return Avx512BW.MultiplyAddAdjacent(a, b);
        }

        if (Avx2.IsSupported)
        {
            return Vector512.Create(Avx2.MultiplyAddAdjacent(a.GetLower(), b.GetLower()), Avx2.MultiplyAddAdjacent(a.GetUpper(), b.GetUpper()));
        }

        var (low, high) = ((a.AsInt16() & Vector512.Create((short)0xFF)), Vector512.ShiftRightLogical(a.AsInt16(), 8));
        var (lowFactor, highFactor) = (Vector512.ShiftRightArithmetic(Vector512.ShiftLeft(b.AsInt16(), 8), 8), Vector512.ShiftRightArithmetic(b.AsInt16(), 8));
        return low * lowFactor + high * highFactor;
    }

    /// <summary>Lane i = the sum of a[4i + j] * b[4i + j] over j = 0 to 3, in 32 bits; a is at most 127, so that two products fit 16 bits on the way.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> MultiplyQuads(Vector512<byte> a, Vector512<sbyte> b) => MultiplyPairs(MultiplyPairs(a, b), Vector512<short>.One);

    /// <summary>The 16-bit lanes of even index, in 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> EvenShorts(Vector512<short> lanes) => Vector512.ShiftRightArithmetic(Vector512.ShiftLeft(lanes.AsInt32(), 16), 16);

    /// <summary>The 16-bit lanes of odd index, in 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> OddShorts(Vector512<short> lanes) => Vector512.ShiftRightArithmetic(lanes.AsInt32(), 16);

    /// <summary>The sum of all lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Sum(Vector512<int> lanes)
    {
        var eight = lanes.GetLower() + lanes.GetUpper();
        var four = eight.GetLower() + eight.GetUpper();
        return four.GetElement(0) + four.GetElement(1) + four.GetElement(2) + four.GetElement(3);
    }
}
