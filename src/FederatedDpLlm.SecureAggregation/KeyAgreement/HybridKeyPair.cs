using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Primitives;

namespace FederatedDpLlm.SecureAggregation.KeyAgreement;

/// <summary>
/// X-Wing: X25519 and ML-KEM-768 combined, secure as long as one of the two is.
/// References: draft-connolly-cfrg-xwing-kem; FIPS 203; RFC 7748. Primitive: libsodium 1.0.22.
/// Parameters: seed 32 bytes, public key 1,216, ciphertext 1,120, shared secret 32, encapsulation coins 64.
/// Everything follows from the seed, and a ciphertext from its coins: whoever restores a dropped client's seed restores every key it agreed on.
/// </summary>
internal sealed class HybridKeyPair : IDisposable
{
    public const int SeedSizeBytes = 32;
    public const int PublicKeySizeBytes = 1216;
    public const int CiphertextSizeBytes = 1120;
    public const int SharedSecretSizeBytes = 32;
    public const int CoinsSizeBytes = 64;

    private readonly byte[] _secretKey = GC.AllocateArray<byte>(SeedSizeBytes, pinned: true);
    private ExpandedHybridKey? _expanded;

    public HybridKeyPair(ReadOnlySpan<byte> seed)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(seed.Length, SeedSizeBytes);
        PublicKey = new byte[PublicKeySizeBytes];
        Sodium.XWingKeyPair(PublicKey, _secretKey, seed);
    }

    public byte[] PublicKey { get; }

    /// <summary>False where the public key is malformed.</summary>
    public static bool TryEncapsulate(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> coins, Span<byte> ciphertext, Span<byte> sharedSecret)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(coins.Length, CoinsSizeBytes);
        ArgumentOutOfRangeException.ThrowIfNotEqual(sharedSecret.Length, SharedSecretSizeBytes);
        ArgumentOutOfRangeException.ThrowIfNotEqual(ciphertext.Length, CiphertextSizeBytes);
        return publicKey.Length == PublicKeySizeBytes && Sodium.XWingEncapsulate(ciphertext, sharedSecret, publicKey, coins);
    }

    /// <summary>A forged ciphertext gives an unrelated secret (implicit rejection); false only where the length is wrong.</summary>
    public bool TryDecapsulate(ReadOnlySpan<byte> ciphertext, Span<byte> sharedSecret)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(sharedSecret.Length, SharedSecretSizeBytes);
        if (ciphertext.Length != CiphertextSizeBytes)
        {
            return false;
        }

        // libsodium expands the seed again at every call, which is a third of its time; a client decapsulates dozens of times under one key.
        if (ExpandedHybridKey.IsSupported)
        {
            _expanded ??= new ExpandedHybridKey(_secretKey, PublicKey.AsSpan()[^32..]);
            if (_expanded.TryDecapsulate(ciphertext, sharedSecret))
            {
                return true;
            }
        }

        return Sodium.XWingDecapsulate(sharedSecret, ciphertext, _secretKey);
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_secretKey);
        _expanded?.Dispose();
    }
}
