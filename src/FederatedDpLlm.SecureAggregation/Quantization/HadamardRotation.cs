using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Masking;

namespace FederatedDpLlm.SecureAggregation.Quantization;

/// <summary>
/// A public random rotation x -> H D x: signs, then a Walsh-Hadamard transform. It keeps the L2 norm and spreads it evenly over the coordinates.
/// References: Ailon, Chazelle, STOC 2006; Suresh et al., ICML 2017, section 3; Kairouz, Liu, Steinke, arXiv:2102.06387, section 4.
/// A length that is no power of two is covered by two overlapping blocks of the largest power of two, rotated one after the other: nothing is padded, and
/// every coordinate comes out of at least one block of more than half the vector.
/// </summary>
public sealed class HadamardRotation
{
    /// <summary>The length of the seed.</summary>
    public const int SeedSizeBytes = 32;

    // 16 KiB of floats: the stages below this length run in the first-level cache.
    private const int CachedLength = 4096;

    private readonly byte[] _seed;
    private readonly int _length;
    private readonly int _block;

    /// <param name="seed">Public, 32 bytes; the same at every hospital.</param>
    /// <param name="length">Values in a vector.</param>
    public HadamardRotation(ReadOnlySpan<byte> seed, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(seed.Length, SeedSizeBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        (_seed, _length, _block) = (seed.ToArray(), length, BlockOf(length));
    }

    /// <summary>The largest power of two up to a length.</summary>
    public static int BlockOf(int length) => 1 << System.Numerics.BitOperations.Log2((uint)length);

    /// <summary>Rotates in place.</summary>
    public void Apply(Span<float> vector)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(vector.Length, _length);
        var head = vector[.._block];
        var tail = vector[(_length - _block)..];
        Flip(head, "head"u8);
        Transform(head);
        if (_block < _length)
        {
            Flip(tail, "tail"u8);
            Transform(tail);
        }
    }

    /// <summary>Takes the rotation back, in place.</summary>
    public void Undo(Span<float> vector)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(vector.Length, _length);
        var head = vector[.._block];
        var tail = vector[(_length - _block)..];
        if (_block < _length)
        {
            Transform(tail);
            Flip(tail, "tail"u8);
        }

        Transform(head);
        Flip(head, "head"u8);
    }

    // The sign of coordinate i is the top bit of lane i of a keystream.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Flip(Span<float> part, ReadOnlySpan<byte> purpose)
    {
        Span<byte> key = stackalloc byte[CounterKeystream.KeySizeBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _seed, key, [], purpose);
        using var stream = new CounterKeystream(key);
        Span<uint> signs = stackalloc uint[1024];
        for (var start = 0; start < part.Length; start += signs.Length)
        {
            var lanes = MemoryMarshal.Cast<float, uint>(part[start..Math.Min(part.Length, start + signs.Length)]);
            signs.Clear();
            stream.AddTo(signs[..lanes.Length], (ulong)(start / CounterKeystream.LanesPerBlock));
            for (var i = 0; i < lanes.Length; i++)
            {
                lanes[i] ^= signs[i] & 0x8000_0000;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transform(Span<float> part)
    {
        Butterflies(part);
        var scale = (float)(1 / Math.Sqrt(part.Length));
        foreach (ref var value in part)
        {
            value *= scale;
        }
    }

    // Depth first: a half that fits the cache is finished before the other is touched.
    private static void Butterflies(Span<float> part)
    {
        if (part.Length <= CachedLength)
        {
            for (var half = part.Length / 2; half >= 1; half /= 2)
            {
                for (var start = 0; start < part.Length; start += 2 * half)
                {
                    Combine(part.Slice(start, half), part.Slice(start + half, half));
                }
            }

            return;
        }

        var middle = part.Length / 2;
        Combine(part[..middle], part[middle..]);
        Butterflies(part[..middle]);
        Butterflies(part[middle..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Combine(Span<float> left, Span<float> right)
    {
        ref var a = ref MemoryMarshal.GetReference(left);
        ref var b = ref MemoryMarshal.GetReference(right);
        var i = 0;
        for (; i <= left.Length - 8; i += 8)
        {
            var (x, y) = (Vector256.LoadUnsafe(ref a, (nuint)i), Vector256.LoadUnsafe(ref b, (nuint)i));
            (x + y).StoreUnsafe(ref a, (nuint)i);
            (x - y).StoreUnsafe(ref b, (nuint)i);
        }

        for (; i < left.Length; i++)
        {
            (left[i], right[i]) = (left[i] + right[i], left[i] - right[i]);
        }
    }
}
