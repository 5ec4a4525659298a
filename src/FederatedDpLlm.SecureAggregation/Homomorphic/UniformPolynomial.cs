using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>
/// Uniform residues from a keystream: 50 bits of each word, drawn again where they are p or more (once in 2^29 words at most). The values are those of the
/// polynomial in the transform's order: a uniform polynomial has uniform values.
/// </summary>
internal static class UniformPolynomial
{
    private const ulong Mask = (1UL << Ring.ResidueBits) - 1;

    /// <summary>Fills a plane with residues of [0, p) from a region of the stream.</summary>
    public static void Fill(Span<double> plane, RingModulus modulus, KeystreamWords stream, int region)
    {
        // The words lie where the doubles will.
        var words = MemoryMarshal.Cast<double, ulong>(plane);
        stream.Fill(words, region);
        Decide(plane, modulus, stream, region);
    }

    /// <summary>Turns words, given in the place of the doubles, into residues.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Decide(Span<double> plane, RingModulus modulus, KeystreamWords stream, int region)
    {
        var words = MemoryMarshal.Cast<double, ulong>(plane);
        ref var at = ref MemoryMarshal.GetReference(words);
        for (var i = 0; i <= words.Length - 8; i += 8)
        {
            var residues = Vector512.LoadUnsafe(ref at, (nuint)i) & Vector512.Create(Mask);
            residues.StoreUnsafe(ref at, (nuint)i);
            if (Vector512.GreaterThanOrEqualAny(residues.AsInt64(), Vector512.Create((long)modulus.Value)))
            {
                DrawAgain(words.Slice(i, 8), modulus, stream, region, i);
            }

            SmallIntegers.ToDoubles(Vector512.LoadUnsafe(ref at, (nuint)i).AsInt64()).AsUInt64().StoreUnsafe(ref at, (nuint)i);
        }
    }

    private static void DrawAgain(Span<ulong> words, RingModulus modulus, KeystreamWords stream, int region, int firstIndex)
    {
        for (var i = 0; i < words.Length; i++)
        {
            for (var attempt = 0; words[i] >= modulus.Value; attempt++)
            {
                words[i] = stream.DrawAgain(region, firstIndex + i, attempt) & Mask;
            }
        }
    }
}
