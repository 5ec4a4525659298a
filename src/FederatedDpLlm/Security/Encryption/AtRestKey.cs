using System.Security.Cryptography;

namespace FederatedDpLlm.Security.Encryption;

// References
//   M. Dworkin, NIST SP 800-38D (Galois/Counter Mode), 8.2.2: random 96-bit nonces; 8.3: at most 2^32 messages under one key.
//   H. Krawczyk, P. Eronen, RFC 5869 (HKDF); H. Krawczyk, M. Bellare, R. Canetti, RFC 2104 (HMAC).
// Parameters
//   Secret of at least 32 bytes; AES-256-GCM, nonce 12 bytes, tag 16 bytes; HMAC-SHA-256, 32 bytes.

/// <summary>Protects what a program keeps on its disk: seals texts, and names things by keyed hashes that say nothing to whoever has the disk without the key.</summary>
public sealed class AtRestKey : IDisposable
{
    public const int SizeBytes = 32;
    public const int FingerprintSizeBytes = HMACSHA256.HashSizeInBytes;
    private const int NonceSizeBytes = 12;
    private const int TagSizeBytes = 16;
    private readonly AesGcm _cipher;
    private readonly byte[] _naming;

    /// <param name="secret">At least 32 random bytes; not kept.</param>
    /// <exception cref="ArgumentException">The secret is shorter.</exception>
    public AtRestKey(ReadOnlySpan<byte> secret)
    {
        if (secret.Length < SizeBytes)
        {
            throw new ArgumentException($"The secret has at least {SizeBytes} bytes.", nameof(secret));
        }

        Span<byte> sealing = stackalloc byte[SizeBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, sealing, [], "seal"u8);
        _naming = HKDF.DeriveKey(HashAlgorithmName.SHA256, secret.ToArray(), SizeBytes, null, "name"u8.ToArray());
        _cipher = new AesGcm(sealing, TagSizeBytes);
        CryptographicOperations.ZeroMemory(sealing);
    }

    /// <summary>Nonce, cipher text, tag.</summary>
    /// <param name="plain">What to hide.</param>
    /// <param name="boundTo">Public context without which it cannot be opened.</param>
    public byte[] Seal(ReadOnlySpan<byte> plain, ReadOnlySpan<byte> boundTo)
    {
        var box = new byte[NonceSizeBytes + plain.Length + TagSizeBytes];
        RandomNumberGenerator.Fill(box.AsSpan(0, NonceSizeBytes));
        _cipher.Encrypt(box.AsSpan(0, NonceSizeBytes), plain, box.AsSpan(NonceSizeBytes, plain.Length), box.AsSpan(NonceSizeBytes + plain.Length), boundTo);
        return box;
    }

    /// <returns>Null where the box was not sealed with this key and context, or has changed since.</returns>
    public byte[]? Open(ReadOnlySpan<byte> box, ReadOnlySpan<byte> boundTo)
    {
        if (box.Length < NonceSizeBytes + TagSizeBytes)
        {
            return null;
        }

        var plain = new byte[box.Length - NonceSizeBytes - TagSizeBytes];
        try
        {
            _cipher.Decrypt(box[..NonceSizeBytes], box[NonceSizeBytes..^TagSizeBytes], box[^TagSizeBytes..], plain, boundTo);
            return plain;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    /// <summary>A keyed hash: equal for equal data, and telling nothing else.</summary>
    public byte[] Fingerprint(ReadOnlySpan<byte> data) => HMACSHA256.HashData(_naming, data);

    public void Dispose()
    {
        _cipher.Dispose();
        CryptographicOperations.ZeroMemory(_naming);
    }
}
