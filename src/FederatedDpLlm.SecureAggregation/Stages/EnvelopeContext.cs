using System.Buffers.Binary;
using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Primitives;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>
/// What an envelope's key and authentication are bound to: the round, the parties, the advertisements and the dealer's commitments.
/// Reference: RFC 8439 (ChaCha20-Poly1305). Parameters: the tag has 16 bytes; a key is used for one envelope.
/// </summary>
/// <param name="Parameters">The round.</param>
/// <param name="Advertisements">The digest of the advertisements.</param>
/// <param name="Binding">The digest of the advertisements and the commitments.</param>
/// <param name="From">The dealer.</param>
/// <param name="To">The holder.</param>
internal sealed record EnvelopeContext(RoundParameters Parameters, byte[] Advertisements, byte[] Binding, int From, int To)
{
    public const int TagSizeBytes = 16;

    // The key is fresh for every envelope, so the nonce may be constant.
    private static ReadOnlySpan<byte> Nonce => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    /// <summary>Encrypts shares under the channel's secret, authenticated together with the ciphertexts of the keys before them.</summary>
    public void Encrypt(ReadOnlySpan<byte> channelSecret, ReadOnlySpan<byte> ciphertexts, ReadOnlySpan<byte> shares, Span<byte> encrypted)
    {
        Span<byte> key = stackalloc byte[32];
        DeriveKey(channelSecret, key);
        Sodium.Seal(encrypted, shares, AssociatedData(ciphertexts), Nonce, key);
        CryptographicOperations.ZeroMemory(key);
    }

    /// <summary>False where they are not authentic.</summary>
    public bool TryDecrypt(ReadOnlySpan<byte> channelSecret, ReadOnlySpan<byte> ciphertexts, ReadOnlySpan<byte> encrypted, Span<byte> shares)
    {
        Span<byte> key = stackalloc byte[32];
        DeriveKey(channelSecret, key);
        var isAuthentic = Sodium.Open(shares, encrypted, AssociatedData(ciphertexts), Nonce, key);
        CryptographicOperations.ZeroMemory(key);
        return isAuthentic;
    }

    private void DeriveKey(ReadOnlySpan<byte> channelSecret, Span<byte> key) =>
        KeyDerivation.Derive(channelSecret, Advertisements, "share envelope"u8, Parameters.Digest, From, To, key);

    internal byte[] AssociatedData(ReadOnlySpan<byte> ciphertexts)
    {
        var data = new byte[32 + 32 + 8 + 32];
        Parameters.Digest.CopyTo(data);
        Binding.CopyTo(data, 32);
        BinaryPrimitives.WriteInt32LittleEndian(data.AsSpan(64), From);
        BinaryPrimitives.WriteInt32LittleEndian(data.AsSpan(68), To);
        SHA256.HashData(ciphertexts, data.AsSpan(72));
        return data;
    }
}
