using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>
/// Discrete Gaussian errors and keys: P(e) proportional to exp(-e^2 / (2 sigma^2)) on the integers of absolute value at most 63, by comparing a uniform number
/// with the whole cumulative table; every sample costs the same instructions whatever comes out.
/// Parameters: sigma^2 = 512/25, sigma = 3.2 sqrt(2) = 4.53. The coordinator learns the sum of all keys and errors; given the sum of two of these, each is a
/// discrete Gaussian of sigma 3.2, the error of the Homomorphic Encryption Standard. (Willow's shipped sets have 1.80 and 2.54.)
/// Distance: the table has 127 bits, so each sample is within 2^-121 of the exact distribution in statistical distance (63 entries of at most 2^-127, and
/// 2^-141 for the cut tail). The first 63 bits decide all but one sample in 2^57; the others draw 64 more.
/// The privacy core's samplers serve any sigma; this one has the hard bound that decryption rests on, follows from a seed, and looks up nothing.
/// </summary>
internal static class GaussianNoise
{
    /// <summary>No sample is larger in absolute value.</summary>
    public const int Largest = 63;

    /// <summary>sigma^2 as a fraction.</summary>
    public const int VarianceNumerator = 512;

    /// <summary>The fraction's denominator.</summary>
    public const int VarianceDenominator = 25;

    private const int TableBits = 127;
    private const int Step = 32;
    private static readonly UInt128[] Cumulative = Table();

    // The upper 63 bits; from the first entry on that is all ones, one comparison stands for all (they differ in the lower words only).
    private static readonly ulong[] Upper = [.. Cumulative.Select(entry => (ulong)(entry >> 64)).Distinct()];

    /// <summary>2^127 P(|e| at most k), rounded down, k from 0 to 62.</summary>
    public static ReadOnlySpan<UInt128> CumulativeTable => Cumulative;

    /// <summary>Fills <paramref name="noise"/> (a multiple of 32 samples) from a region of the stream.</summary>
    public static void Fill(Span<long> noise, KeystreamWords stream, int region)
    {
        const int Piece = 512;
        Span<ulong> words = stackalloc ulong[Piece];
        for (var start = 0; start < noise.Length; start += Piece)
        {
            var part = noise[start..Math.Min(noise.Length, start + Piece)];
            stream.Fill(words[..part.Length], region, start);
            Decide(words[..part.Length], part, stream, region, start);
        }

        words.Clear();
    }

    /// <summary>Turns uniform words into samples; the stream gives the second word of those that the first leaves open.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Decide(ReadOnlySpan<ulong> words, Span<long> noise, KeystreamWords stream, int region, int firstIndex)
    {
        var upper = Upper.AsSpan();
        ref var from = ref MemoryMarshal.GetReference(words);
        ref var to = ref MemoryMarshal.GetReference(noise);
        for (var i = 0; i <= words.Length - Step; i += Step)
        {
            var (w0, w1) = (Vector512.LoadUnsafe(ref from, (nuint)i), Vector512.LoadUnsafe(ref from, (nuint)i + 8));
            var (w2, w3) = (Vector512.LoadUnsafe(ref from, (nuint)i + 16), Vector512.LoadUnsafe(ref from, (nuint)i + 24));
            var (u0, u1, u2, u3) = (w0 >>> 1, w1 >>> 1, w2 >>> 1, w3 >>> 1);
            var (m0, m1, m2, m3) = (Vector512<ulong>.Zero, Vector512<ulong>.Zero, Vector512<ulong>.Zero, Vector512<ulong>.Zero);
            var (nearest, second) = (Vector512<ulong>.AllBitsSet, Vector512<ulong>.AllBitsSet);
            foreach (var entry in upper)
            {
                // Both are below 2^63: the sign of the difference is the comparison, and a difference of zero is a tie.
                var threshold = Vector512.Create(entry);
                var (d0, d1, d2, d3) = (threshold - u0, threshold - u1, threshold - u2, threshold - u3);
                m0 += d0 >>> 63;
                m1 += d1 >>> 63;
                m2 += d2 >>> 63;
                m3 += d3 >>> 63;
                nearest = Vector512.Min(nearest, Vector512.Min(d0, d1));
                second = Vector512.Min(second, Vector512.Min(d2, d3));
            }

            Signed(m0, w0).StoreUnsafe(ref to, (nuint)i);
            Signed(m1, w1).StoreUnsafe(ref to, (nuint)i + 8);
            Signed(m2, w2).StoreUnsafe(ref to, (nuint)i + 16);
            Signed(m3, w3).StoreUnsafe(ref to, (nuint)i + 24);
            if (Vector512.EqualsAny(Vector512.Min(nearest, second), Vector512<ulong>.Zero))
            {
                DecideTies(words.Slice(i, Step), noise.Slice(i, Step), stream, region, firstIndex + i);
            }
        }
    }

    /// <summary>The sample of a 127-bit uniform number and a sign.</summary>
    internal static long Sample(UInt128 uniform, bool negative)
    {
        long magnitude = 0;
        foreach (var entry in Cumulative)
        {
            magnitude += uniform >= entry ? 1 : 0;
        }

        return negative ? -magnitude : magnitude;
    }

    private static Vector512<long> Signed(Vector512<ulong> magnitude, Vector512<ulong> word)
    {
        var sign = Vector512<long>.Zero - (word & Vector512<ulong>.One).AsInt64();
        return (magnitude.AsInt64() ^ sign) - sign;
    }

    private static void DecideTies(ReadOnlySpan<ulong> words, Span<long> noise, KeystreamWords stream, int region, int firstIndex)
    {
        for (var i = 0; i < words.Length; i++)
        {
            noise[i] = Sample(((UInt128)(words[i] >> 1) << 64) | stream.DrawAgain(region, firstIndex + i), (words[i] & 1) == 1);
        }
    }

    // exp(-k^2/(2 sigma^2)) = r^(k^2) with r = exp(-25/1024), in units of 2^-256; then the running sums over the whole.
    private static UInt128[] Table()
    {
        const int Bits = 256;
        var one = BigInteger.One << Bits;
        BigInteger growth = one, term = one;
        for (var k = 1; !term.IsZero; k++)
        {
            term = term * VarianceDenominator / (2 * VarianceNumerator) / k;
            growth += term;
        }

        var ratio = (one << Bits) / growth;
        var weights = new BigInteger[Largest + 1];
        var (weight, step) = (one, ratio);
        for (var k = 0; k <= Largest; k++)
        {
            weights[k] = k == 0 ? weight : 2 * weight;
            weight = (weight * step) >> Bits;
            step = (((step * ratio) >> Bits) * ratio) >> Bits;
        }

        var total = weights.Aggregate(BigInteger.Zero, (sum, one) => sum + one);
        var table = new UInt128[Largest];
        var running = BigInteger.Zero;
        for (var k = 0; k < Largest; k++)
        {
            running += weights[k];
            table[k] = (UInt128)((running << TableBits) / total);
        }

        return table;
    }
}
