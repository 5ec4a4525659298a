using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FederatedDpLlm.SecureAggregation.Quantization;

/// <summary>
/// x -> floor(x s + u) with u uniform in [0, 1): right on average (the bias is below 2^-32 steps). The same bits on every machine: IEEE doubles, no operation
/// whose rounding fusing could change, and integers.
/// </summary>
internal static class StochasticRounding
{
    // Adding it moves the integer into the low bits of the significand: 1.5 * 2^52.
    private const double Shift = 6755399441055744.0;

    /// <summary>Rounds values that, scaled and clamped, lie within [-limit, limit], and gives the sum of their squares (exact: at most 2^13 values below 2^20).</summary>
    /// <param name="source">Finite.</param>
    /// <param name="scale">Steps a unit.</param>
    /// <param name="limit">The largest magnitude, in steps; from 1 to 2^20.</param>
    /// <param name="words">Uniform words, one a value.</param>
    /// <param name="rounded">As many.</param>
    /// <remarks>Compiled at full speed from the first call: an update is rounded in a hundred calls, and what the runtime compiles while it waits for more is three times slower.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Round(ReadOnlySpan<float> source, double scale, int limit, ReadOnlySpan<uint> words, Span<int> rounded)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfNotEqual(words.Length, source.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(rounded.Length, source.Length);
        var (steps, largest) = (Vector512.Create(scale), Vector512.Create((double)limit));
        var squares = Vector512<double>.Zero;
        ref var from = ref MemoryMarshal.GetReference(source);
        ref var random = ref MemoryMarshal.GetReference(words);
        ref var to = ref MemoryMarshal.GetReference(rounded);
        var i = 0;
        for (; i <= source.Length - 16; i += 16)
        {
            var (low, high) = Vector512.Widen(Vector512.LoadUnsafe(ref from, (nuint)i));
            var (lowWords, highWords) = Vector512.Widen(Vector512.LoadUnsafe(ref random, (nuint)i));
            var a = Step(low, steps, largest, lowWords);
            var b = Step(high, steps, largest, highWords);
            squares += (a * a) + (b * b);
            Vector512.Narrow((a + Vector512.Create(Shift)).AsInt64(), (b + Vector512.Create(Shift)).AsInt64()).StoreUnsafe(ref to, (nuint)i);
        }

        var sum = Vector512.Sum(squares);
        for (; i < source.Length; i++)
        {
            var one = Step(Vector512.Create((double)source[i]), steps, largest, Vector512.Create((ulong)words[i])).ToScalar();
            sum += one * one;
            rounded[i] = (int)one;
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Step(Vector512<double> value, Vector512<double> scale, Vector512<double> limit, Vector512<ulong> word)
    {
        // The word becomes the significand of a number in [2^20, 2^20 + 1), which holds 32 bits below the point: exactly 2^20 + word * 2^-32.
        var uniform = (word | Vector512.Create(BitConverter.DoubleToUInt64Bits(1048576.0))).AsDouble() - Vector512.Create(1048576.0);

        // What the instruction does with a NaN or two zeros does not matter: no operand is one, and the limit is not zero.
        return Vector512.MinNative(Vector512.MaxNative(Vector512.Floor((value * scale) + uniform), -limit), limit);
    }
}
