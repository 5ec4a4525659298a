using System.Security.Cryptography;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.Homomorphic;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using NSec.Cryptography;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>
/// The share of a member's key for another member: KEM ciphertext to its channel key, and the share under ChaCha20-Poly1305 with a key used once.
/// References: RFC 8439; NSec. Parameters: 1,120 + 204,800 + 16 bytes.
/// </summary>
internal static class CommitteeEnvelope
{
    public const int SizeBytes = HybridKeyPair.CiphertextSizeBytes + ResidueFormat.ElementSizeBytes + 16;

    private static readonly AeadAlgorithm Cipher = AeadAlgorithm.ChaCha20Poly1305;

    // The key is fresh for every envelope, so the nonce may be constant.
    private static readonly byte[] Nonce = new byte[12];

    /// <summary>Null where the receiver's public key is malformed.</summary>
    public static byte[]? Seal(EnvelopeContext context, ReadOnlySpan<byte> channelKey, ReadOnlySpan<byte> share, ISecureRandom random)
    {
        var envelope = new byte[SizeBytes];
        var ciphertext = envelope.AsSpan(0, HybridKeyPair.CiphertextSizeBytes);
        Span<byte> coins = stackalloc byte[HybridKeyPair.CoinsSizeBytes];
        Span<byte> secret = stackalloc byte[HybridKeyPair.SharedSecretSizeBytes];
        random.Fill(coins);
        var valid = HybridKeyPair.TryEncapsulate(channelKey, coins, ciphertext, secret);
        if (valid)
        {
            using var key = context.DeriveKey(secret);
            Cipher.Encrypt(key, Nonce, context.AssociatedData(ciphertext), share, envelope.AsSpan(ciphertext.Length));
        }

        CryptographicOperations.ZeroMemory(coins);
        CryptographicOperations.ZeroMemory(secret);
        return valid ? envelope : null;
    }

    /// <summary>The share; null where the envelope does not decrypt.</summary>
    public static byte[]? TryOpen(EnvelopeContext context, ReadOnlySpan<byte> envelope, HybridKeyPair channel)
    {
        if (envelope.Length != SizeBytes)
        {
            return null;
        }

        Span<byte> secret = stackalloc byte[HybridKeyPair.SharedSecretSizeBytes];
        try
        {
            var ciphertext = envelope[..HybridKeyPair.CiphertextSizeBytes];
            if (!channel.TryDecapsulate(ciphertext, secret))
            {
                return null;
            }

            using var key = context.DeriveKey(secret);
            var share = new byte[ResidueFormat.ElementSizeBytes];
            return Cipher.Decrypt(key, Nonce, context.AssociatedData(ciphertext), envelope[ciphertext.Length..], share) ? share : null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }
}
