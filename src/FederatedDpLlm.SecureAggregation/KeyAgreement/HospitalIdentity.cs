using NSec.Cryptography;

namespace FederatedDpLlm.SecureAggregation.KeyAgreement;

/// <summary>
/// A hospital's long-term signing key, enrolled out of band. Reference: RFC 8032 (Ed25519). Primitive: NSec.
/// Every signature covers what it is for and the digest of the round's parameters, so that it is worth nothing elsewhere.
/// </summary>
public sealed class HospitalIdentity : IDisposable
{
    /// <summary>The length of a public key.</summary>
    public const int PublicKeySizeBytes = 32;

    /// <summary>The length of a signature.</summary>
    public const int SignatureSizeBytes = 64;

    private readonly Key _key;

    /// <param name="seed">32 secret bytes (RFC 8032, section 5.1.5).</param>
    public HospitalIdentity(ReadOnlySpan<byte> seed)
    {
        _key = Key.Import(SignatureAlgorithm.Ed25519, seed, KeyBlobFormat.RawPrivateKey);
        PublicKey = _key.PublicKey.Export(KeyBlobFormat.RawPublicKey);
    }

    /// <summary>32 bytes.</summary>
    public ReadOnlyMemory<byte> PublicKey { get; }

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    internal byte[] Sign(ReadOnlySpan<byte> message) => SignatureAlgorithm.Ed25519.Sign(_key, message);

    internal static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) =>
        signature.Length == SignatureSizeBytes
        && NSec.Cryptography.PublicKey.TryImport(SignatureAlgorithm.Ed25519, publicKey, KeyBlobFormat.RawPublicKey, out var key)
        && SignatureAlgorithm.Ed25519.Verify(key!, message, signature);
}
