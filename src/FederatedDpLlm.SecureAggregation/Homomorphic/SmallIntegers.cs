using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>Exact conversion between 64-bit integers below 2^51 in absolute value and doubles, by adding 1.5 * 2^52: no instruction of AVX-512DQ is needed.</summary>
internal static class SmallIntegers
{
    private const double Shift = 6755399441055744.0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> ToDoubles(Vector512<long> integers) =>
        (integers + Vector512.Create(BitConverter.DoubleToInt64Bits(Shift))).AsDouble() - Vector512.Create(Shift);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<long> ToIntegers(Vector512<double> doubles) =>
        (doubles + Vector512.Create(Shift)).AsInt64() - Vector512.Create(BitConverter.DoubleToInt64Bits(Shift));

    /// <summary>A multiple of 8 of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToDoubles(ReadOnlySpan<long> integers, Span<double> doubles)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(integers.Length % 8, 0);
        ArgumentOutOfRangeException.ThrowIfLessThan(doubles.Length, integers.Length);
        ref var from = ref MemoryMarshal.GetReference(integers);
        ref var to = ref MemoryMarshal.GetReference(doubles);
        for (var i = 0; i < integers.Length; i += 8)
        {
            ToDoubles(Vector512.LoadUnsafe(ref from, (nuint)i)).StoreUnsafe(ref to, (nuint)i);
        }
    }
}
