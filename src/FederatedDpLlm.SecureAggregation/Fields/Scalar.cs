using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.Primitives;

namespace FederatedDpLlm.SecureAggregation.Fields;

/// <summary>
/// An element of the prime field of order l = 2^252 + 27742317777372353535851937790883648493: the scalars of ristretto255.
/// References: RFC 9496, section 4.4; RFC 9591, section 6.2 (the same field in FROST). Arithmetic is libsodium's, constant time.
/// Parameters: 32 bytes, little-endian, canonical (below l).
/// </summary>
public readonly struct Scalar
{
    /// <summary>The length of the encoding.</summary>
    public const int SizeBytes = 32;

    private readonly Encoding32 _encoding;

    // l in words of 64 bits, the lowest first.
    private static ReadOnlySpan<ulong> Order => [0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000];

    private Scalar(Encoding32 encoding) => _encoding = encoding;

    /// <summary>The neutral element of addition.</summary>
    public static Scalar Zero => default;

    /// <summary>The neutral element of multiplication.</summary>
    public static Scalar One => From(1);

    /// <summary>A small integer as a field element.</summary>
    public static Scalar From(uint value)
    {
        Span<byte> bytes = stackalloc byte[SizeBytes];
        BitConverter.TryWriteBytes(bytes, value);
        return Copy(bytes);
    }

    /// <summary>A uniformly random element (64 random bytes reduced modulo l: at most 2^-256 from uniform).</summary>
    public static Scalar Random(ISecureRandom random)
    {
        ArgumentNullException.ThrowIfNull(random);
        Span<byte> wide = stackalloc byte[64];
        random.Fill(wide);
        var scalar = Reduce(wide);
        CryptographicOperations.ZeroMemory(wide);
        return scalar;
    }

    /// <summary>64 bytes as an integer modulo l.</summary>
    public static Scalar Reduce(ReadOnlySpan<byte> wide)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(wide.Length, 64);
        Span<byte> bytes = stackalloc byte[SizeBytes];
        Sodium.ReduceScalar(bytes, wide);
        return Copy(bytes);
    }

    /// <summary>Reads a canonical encoding; false where the length is wrong or the value is not below l.</summary>
    public static bool TryRead(ReadOnlySpan<byte> encoded, out Scalar scalar)
    {
        var canonical = encoded.Length == SizeBytes && IsBelowOrder(encoded);
        scalar = canonical ? Copy(encoded) : Zero;
        return canonical;
    }

    /// <summary>Writes the 32-byte encoding.</summary>
    public void CopyTo(Span<byte> destination) => Bytes.CopyTo(destination);

    /// <summary>The multiplicative inverse.</summary>
    /// <exception cref="DivideByZeroException">The element is zero.</exception>
    public Scalar Invert()
    {
        Span<byte> inverse = stackalloc byte[SizeBytes];
        return Sodium.InvertScalar(inverse, Bytes) ? Copy(inverse) : throw new DivideByZeroException("Zero has no inverse.");
    }

    /// <summary>Whether two elements are the same, in a time that does not depend on them.</summary>
    public bool FixedTimeEquals(in Scalar other) => CryptographicOperations.FixedTimeEquals(Bytes, other.Bytes);

    /// <summary>Addition modulo l.</summary>
    public static Scalar operator +(in Scalar left, in Scalar right)
    {
        Span<byte> result = stackalloc byte[SizeBytes];
        Sodium.AddScalars(result, left.Bytes, right.Bytes);
        return Copy(result);
    }

    /// <summary>Subtraction modulo l.</summary>
    public static Scalar operator -(in Scalar left, in Scalar right)
    {
        Span<byte> result = stackalloc byte[SizeBytes];
        Sodium.SubtractScalars(result, left.Bytes, right.Bytes);
        return Copy(result);
    }

    /// <summary>Multiplication modulo l.</summary>
    public static Scalar operator *(in Scalar left, in Scalar right)
    {
        Span<byte> result = stackalloc byte[SizeBytes];
        Sodium.MultiplyScalars(result, left.Bytes, right.Bytes);
        return Copy(result);
    }

    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    internal ReadOnlySpan<byte> Bytes => _encoding;

    // Whether subtracting l borrows. (To reduce modulo l and compare took a time that depended a little on the value.)
    private static bool IsBelowOrder(ReadOnlySpan<byte> encoded)
    {
        var borrow = 0UL;
        for (var i = 0; i < Order.Length; i++)
        {
            var (word, subtrahend) = (BinaryPrimitives.ReadUInt64LittleEndian(encoded[(8 * i)..]), Order[i]);
            var difference = unchecked(word - subtrahend - borrow);
            borrow = ((~word & subtrahend) | ((~word | subtrahend) & difference)) >> 63;
        }

        return borrow == 1;
    }

    private static Scalar Copy(ReadOnlySpan<byte> canonical) => new(MemoryMarshal.Read<Encoding32>(canonical));
}
