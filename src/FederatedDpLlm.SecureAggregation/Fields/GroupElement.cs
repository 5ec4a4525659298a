using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Primitives;

namespace FederatedDpLlm.SecureAggregation.Fields;

/// <summary>
/// An element of ristretto255, a group of prime order l in which discrete logarithms are hard.
/// References: RFC 9496. Arithmetic is libsodium's. Parameters: 32 bytes, canonical; the identity is 32 zero bytes.
/// </summary>
public readonly struct GroupElement : IEquatable<GroupElement>
{
    /// <summary>The length of the encoding.</summary>
    public const int SizeBytes = 32;

    private readonly Encoding32 _encoding;

    private GroupElement(Encoding32 encoding) => _encoding = encoding;

    /// <summary>The neutral element.</summary>
    public static GroupElement Identity => default;

    /// <summary>A second generator whose discrete logarithm nobody knows: the hash of its own name.</summary>
    public static GroupElement SecondGenerator { get; } =
        FromHash(SHA512.HashData(System.Text.Encoding.ASCII.GetBytes("FederatedDpLlm.SecureAggregation second generator of ristretto255, version 1")));

    /// <summary>Reads an encoding; false where the length is wrong or the bytes are no canonical group element.</summary>
    public static bool TryRead(ReadOnlySpan<byte> encoded, out GroupElement element)
    {
        element = default;
        if (encoded.Length != SizeBytes || !Sodium.IsValidPoint(encoded))
        {
            return false;
        }

        element = Copy(encoded);
        return true;
    }

    /// <summary>The one-way map from 64 uniform bytes (RFC 9496, section 4.3.4).</summary>
    public static GroupElement FromHash(ReadOnlySpan<byte> hash)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(hash.Length, 64);
        Span<byte> point = stackalloc byte[SizeBytes];
        Sodium.PointFromHash(point, hash);
        return Copy(point);
    }

    /// <summary>The generator times <paramref name="scalar"/>.</summary>
    public static GroupElement MultiplyBase(in Scalar scalar)
    {
        Span<byte> product = stackalloc byte[SizeBytes];
        return Sodium.MultiplyBase(product, scalar.Bytes) ? Copy(product) : Identity;
    }

    /// <summary>The group operation.</summary>
    public static GroupElement operator +(in GroupElement left, in GroupElement right)
    {
        Span<byte> sum = stackalloc byte[SizeBytes];
        return Sodium.AddPoints(sum, left._encoding, right._encoding) ? Copy(sum) : throw new CryptographicException("A group element lost its encoding.");
    }

    /// <summary>An element times a scalar.</summary>
    public static GroupElement operator *(in Scalar scalar, in GroupElement element)
    {
        // libsodium reports the identity and an invalid point alike; an element is valid by construction.
        Span<byte> product = stackalloc byte[SizeBytes];
        return Sodium.MultiplyPoint(product, scalar.Bytes, element._encoding) ? Copy(product) : Identity;
    }

    /// <summary>Whether two elements are the same.</summary>
    public static bool operator ==(in GroupElement left, in GroupElement right) => left.Equals(right);

    /// <summary>Whether two elements differ.</summary>
    public static bool operator !=(in GroupElement left, in GroupElement right) => !left.Equals(right);

    /// <summary>Writes the 32-byte encoding.</summary>
    public void CopyTo(Span<byte> destination) => ((ReadOnlySpan<byte>)_encoding).CopyTo(destination);

    /// <inheritdoc/>
    public bool Equals(GroupElement other) => ((ReadOnlySpan<byte>)_encoding).SequenceEqual(other._encoding);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is GroupElement other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => MemoryMarshal.Read<int>(_encoding);

    private static GroupElement Copy(ReadOnlySpan<byte> encoded) => new(MemoryMarshal.Read<Encoding32>(encoded));
}
