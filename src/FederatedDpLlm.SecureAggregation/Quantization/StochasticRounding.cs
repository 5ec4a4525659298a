using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FederatedDpLlm.SecureAggregation.Quantization;

/// <summary>
/// x -> floor(x s + u) with u uniform in [0, 1): right on average (the bias is below 2^-32 steps). The same bits on every machine: IEEE doubles, no fused
/// operation, and integers.
/// </summary>
internal static class StochasticRounding
{
    // Adding it moves the integer into the low bits of the significand: 1.5 * 2^52.
    private const double Shift = 6755399441055744.0;

    /// <summary>Rounds values that, scaled and clamped, lie within [-limit, limit], and gives the sum of their squares (exact: at most 2^13 values below 2^20).</summary>
    /// <param name="source">Finite.</param>
    /// <param name="scale">Steps a unit.</param>
    /// <param name="limit">The largest magnitude, in steps; up to 2^20.</param>
    /// <param name="words">Uniform words, one a value.</param>
    /// <param name="rounded">As many.</param>
    public static double Round(ReadOnlySpan<float> source, double scale, int limit, ReadOnlySpan<uint> words, Span<int> rounded)
    {
        var squares = Vector256<double>.Zero;
        ref var from = ref MemoryMarshal.GetReference(source);
        ref var random = ref MemoryMarshal.GetReference(words);
        ref var to = ref MemoryMarshal.GetReference(rounded);
        var i = 0;
        for (; i <= source.Length - 8; i += 8)
        {
            var (low, high) = Vector256.Widen(Vector256.LoadUnsafe(ref from, (nuint)i));
            var (lowWords, highWords) = Vector256.Widen(Vector256.LoadUnsafe(ref random, (nuint)i));
            var a = Step(low, scale, limit, lowWords);
            var b = Step(high, scale, limit, highWords);
            squares += (a * a) + (b * b);
            Vector256.Narrow((a + Vector256.Create(Shift)).AsInt64(), (b + Vector256.Create(Shift)).AsInt64()).StoreUnsafe(ref to, (nuint)i);
        }

        var sum = Vector256.Sum(squares);
        for (; i < source.Length; i++)
        {
            var one = Step(Vector256.Create((double)source[i]), scale, limit, Vector256.Create((ulong)words[i])).ToScalar();
            sum += one * one;
            rounded[i] = (int)one;
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<double> Step(Vector256<double> value, double scale, int limit, Vector256<ulong> word)
    {
        // The word becomes the significand of a number in [2^20, 2^20 + 1), which holds 32 bits below the point: exactly 2^20 + word * 2^-32.
        var uniform = (word | Vector256.Create(BitConverter.DoubleToUInt64Bits(1048576.0))).AsDouble() - Vector256.Create(1048576.0);
        var floor = Vector256.Floor((value * Vector256.Create(scale)) + uniform);
        return Vector256.Min(Vector256.Max(floor, Vector256.Create((double)-limit)), Vector256.Create((double)limit));
    }
}
