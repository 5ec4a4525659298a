using System.Security.Cryptography;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.Homomorphic;
using FederatedDpLlm.SecureAggregation.KeyAgreement;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>
/// The share of a member's key for another member: KEM ciphertext to its channel key, and the share under ChaCha20-Poly1305 with a key used once.
/// Reference: RFC 8439. Parameters: 1,120 + 204,800 + 16 bytes.
/// </summary>
internal static class CommitteeEnvelope
{
    public const int SizeBytes = HybridKeyPair.CiphertextSizeBytes + ResidueFormat.ElementSizeBytes + EnvelopeContext.TagSizeBytes;

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
            context.Encrypt(secret, ciphertext, share, envelope.AsSpan(ciphertext.Length));
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

            var share = new byte[ResidueFormat.ElementSizeBytes];
            return context.TryDecrypt(secret, ciphertext, envelope[ciphertext.Length..], share) ? share : null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }
}
