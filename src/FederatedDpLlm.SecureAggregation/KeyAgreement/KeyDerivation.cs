using System.Buffers.Binary;
using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Fields;

namespace FederatedDpLlm.SecureAggregation.KeyAgreement;

/// <summary>
/// HKDF-SHA-256 with a purpose, the round's digest and the parties in its info, so that no two keys of any round are the same by construction.
/// Reference: RFC 5869.
/// </summary>
internal static class KeyDerivation
{
    private const int LongestInfoBytes = 32 + 32 + 8;

    /// <param name="secret">The input keying material.</param>
    /// <param name="salt">Public: the digest of the advertisements, or empty before there is one.</param>
    /// <param name="purpose">At most 32 ASCII characters.</param>
    /// <param name="context">The digest of the round's parameters.</param>
    /// <param name="from">A party's number, or -1.</param>
    /// <param name="to">Another party's number, or -1.</param>
    /// <param name="key">Filled, at most 8,160 bytes.</param>
    public static void Derive(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> purpose, ReadOnlySpan<byte> context, int from, int to, Span<byte> key)
    {
        Span<byte> info = stackalloc byte[LongestInfoBytes];
        info.Clear();
        purpose.CopyTo(info);
        context.CopyTo(info[32..]);
        BinaryPrimitives.WriteInt32LittleEndian(info[64..], from);
        BinaryPrimitives.WriteInt32LittleEndian(info[68..], to);
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, key, salt, info);
    }

    /// <summary>As above, from a scalar.</summary>
    public static void Derive(in Scalar secret, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> purpose, ReadOnlySpan<byte> context, int from, int to, Span<byte> key) =>
        Derive(secret.Bytes, salt, purpose, context, from, to, key);
}
