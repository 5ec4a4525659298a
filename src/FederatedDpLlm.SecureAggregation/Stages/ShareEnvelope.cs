using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.SecretSharing;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>
/// The shares for one neighbour: KEM ciphertext to its channel key, KEM ciphertext of the pair's mask (where the sender has the lower number), and the
/// shares under ChaCha20-Poly1305 with a key used once.
/// Reference: RFC 8439. Parameters: 1,120 [+ 1,120] + 128 + 16 bytes.
/// </summary>
internal static class ShareEnvelope
{
    private const int PlaintextSizeBytes = 4 * Scalar.SizeBytes;
    private const int SealedSizeBytes = PlaintextSizeBytes + EnvelopeContext.TagSizeBytes;

    public static int SizeBytes(int from, int to) => HybridKeyPair.CiphertextSizeBytes + MaskCiphertextSizeBytes(from, to) + SealedSizeBytes;

    /// <summary>The mask's KEM ciphertext, which the coordinator needs too when the receiver drops out; empty where the sender has the higher number.</summary>
    public static ReadOnlySpan<byte> MaskCiphertext(ReadOnlySpan<byte> envelope, int from, int to) =>
        envelope.Slice(HybridKeyPair.CiphertextSizeBytes, MaskCiphertextSizeBytes(from, to));

    public static byte[] Seal(EnvelopeContext context, ReadOnlySpan<byte> channelCiphertext, ReadOnlySpan<byte> channelSecret, ReadOnlySpan<byte> maskCiphertext, in SecretShare seed, in SecretShare selfMask)
    {
        Span<byte> plaintext = stackalloc byte[PlaintextSizeBytes];
        seed.Value.CopyTo(plaintext);
        seed.Blinding.CopyTo(plaintext[32..]);
        selfMask.Value.CopyTo(plaintext[64..]);
        selfMask.Blinding.CopyTo(plaintext[96..]);
        var envelope = new byte[SizeBytes(context.From, context.To)];
        channelCiphertext.CopyTo(envelope);
        maskCiphertext.CopyTo(envelope.AsSpan(HybridKeyPair.CiphertextSizeBytes));
        context.Encrypt(channelSecret, envelope.AsSpan()[..^SealedSizeBytes], plaintext, envelope.AsSpan()[^SealedSizeBytes..]);
        CryptographicOperations.ZeroMemory(plaintext);
        return envelope;
    }

    /// <summary>False where the envelope does not decrypt or a share is no canonical scalar.</summary>
    public static bool TryOpen(EnvelopeContext context, ReadOnlySpan<byte> envelope, HybridKeyPair channel, out SecretShare seed, out SecretShare selfMask)
    {
        (seed, selfMask) = (default, default);
        if (envelope.Length != SizeBytes(context.From, context.To))
        {
            return false;
        }

        Span<byte> secret = stackalloc byte[HybridKeyPair.SharedSecretSizeBytes];
        Span<byte> plaintext = stackalloc byte[PlaintextSizeBytes];
        try
        {
            return channel.TryDecapsulate(envelope[..HybridKeyPair.CiphertextSizeBytes], secret)
                && context.TryDecrypt(secret, envelope[..^SealedSizeBytes], envelope[^SealedSizeBytes..], plaintext)
                && TryRead(plaintext[..64], context.To, out seed)
                && TryRead(plaintext[64..], context.To, out selfMask);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
            CryptographicOperations.ZeroMemory(plaintext);
        }
    }

    private static int MaskCiphertextSizeBytes(int from, int to) => from < to ? HybridKeyPair.CiphertextSizeBytes : 0;

    private static bool TryRead(ReadOnlySpan<byte> bytes, int holder, out SecretShare share)
    {
        var valid = Scalar.TryRead(bytes[..32], out var value) & Scalar.TryRead(bytes[32..], out var blinding);
        share = new SecretShare(SharingBody.PointOf(holder), value, blinding);
        return valid;
    }
}
