using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace FederatedDpLlm.SecureAggregation.Primitives;

/// <summary>
/// The functions of libsodium 1.0.22 that NSec carries in its package but does not surface: ristretto255 and X-Wing; and ChaCha20-Poly1305, which NSec gives only
/// together with guarded pages for every key (24 us each, where an envelope's key lives for one call).
/// References: RFC 9496 (ristretto255), draft-connolly-cfrg-xwing-kem (X-Wing), FIPS 203 (ML-KEM-768), RFC 7748 (X25519), RFC 8439 (ChaCha20-Poly1305).
/// </summary>
internal static partial class Sodium
{
    /// <summary>A ciphertext of ML-KEM-768 (FIPS 203, section 8, table 3).</summary>
    public const int LatticeCiphertextSizeBytes = 1088;

    private const string Library = "libsodium";

    static Sodium()
    {
        if (sodium_init() < 0)
        {
            throw new CryptographicException("libsodium could not be initialised.");
        }
    }

    public static bool IsValidPoint(ReadOnlySpan<byte> point) => crypto_core_ristretto255_is_valid_point(point) == 1;

    /// <summary>False where an input is no valid encoding.</summary>
    public static bool AddPoints(Span<byte> sum, ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) => crypto_core_ristretto255_add(sum, left, right) == 0;

    /// <summary>False where the point is invalid or the product is the identity (then <paramref name="product"/> holds zeros).</summary>
    public static bool MultiplyPoint(Span<byte> product, ReadOnlySpan<byte> scalar, ReadOnlySpan<byte> point) =>
        crypto_scalarmult_ristretto255(product, scalar, point) == 0;

    public static bool MultiplyBase(Span<byte> product, ReadOnlySpan<byte> scalar) => crypto_scalarmult_ristretto255_base(product, scalar) == 0;

    public static void PointFromHash(Span<byte> point, ReadOnlySpan<byte> hash64) => _ = crypto_core_ristretto255_from_hash(point, hash64);

    public static void AddScalars(Span<byte> sum, ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) => crypto_core_ristretto255_scalar_add(sum, left, right);

    public static void SubtractScalars(Span<byte> difference, ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) =>
        crypto_core_ristretto255_scalar_sub(difference, left, right);

    public static void MultiplyScalars(Span<byte> product, ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) =>
        crypto_core_ristretto255_scalar_mul(product, left, right);

    public static bool InvertScalar(Span<byte> inverse, ReadOnlySpan<byte> scalar) => crypto_core_ristretto255_scalar_invert(inverse, scalar) == 0;

    public static void ReduceScalar(Span<byte> scalar, ReadOnlySpan<byte> wide64) => crypto_core_ristretto255_scalar_reduce(scalar, wide64);

    public static void XWingKeyPair(Span<byte> publicKey, Span<byte> secretKey, ReadOnlySpan<byte> seed32) =>
        Require(crypto_kem_xwing_seed_keypair(publicKey, secretKey, seed32) == 0);

    /// <summary>False where the public key is malformed (a coefficient of the ML-KEM part out of range).</summary>
    public static bool XWingEncapsulate(Span<byte> ciphertext, Span<byte> sharedSecret, ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> coins64) =>
        crypto_kem_xwing_enc_deterministic(ciphertext, sharedSecret, publicKey, coins64) == 0;

    public static bool XWingDecapsulate(Span<byte> sharedSecret, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> secretKey) =>
        crypto_kem_xwing_dec(sharedSecret, ciphertext, secretKey) == 0;

    /// <exception cref="ArgumentOutOfRangeException">The seed is not 64 bytes: the library takes no lengths and would read on.</exception>
    public static void LatticeKeyPair(Span<byte> publicKey, Span<byte> secretKey, ReadOnlySpan<byte> seed64)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(seed64.Length, 64, nameof(seed64));
        Require(crypto_kem_mlkem768_seed_keypair(publicKey, secretKey, seed64) == 0);
    }

    /// <summary>False where the ciphertext is not of <see cref="LatticeCiphertextSizeBytes"/>; a forged one gives an unrelated secret.</summary>
    public static bool LatticeDecapsulate(Span<byte> sharedSecret, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> secretKey) =>
        ciphertext.Length == LatticeCiphertextSizeBytes && crypto_kem_mlkem768_dec(sharedSecret, ciphertext, secretKey) == 0;

    /// <summary>False where the product is the all-zero point.</summary>
    public static bool MultiplyCurve(Span<byte> product, ReadOnlySpan<byte> scalar, ReadOnlySpan<byte> point) => crypto_scalarmult_curve25519(product, scalar, point) == 0;

    /// <summary>Encrypts, with the 16-byte tag behind the ciphertext.</summary>
    public static void Seal(Span<byte> ciphertext, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> nonce12, ReadOnlySpan<byte> key32) =>
        Require(crypto_aead_chacha20poly1305_ietf_encrypt(ciphertext, out _, plaintext, (ulong)plaintext.Length, associatedData, (ulong)associatedData.Length, 0, nonce12, key32) == 0);

    /// <summary>False where the ciphertext is not authentic; <paramref name="plaintext"/> then holds zeros.</summary>
    public static bool Open(Span<byte> plaintext, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> nonce12, ReadOnlySpan<byte> key32) =>
        crypto_aead_chacha20poly1305_ietf_decrypt(plaintext, out _, 0, ciphertext, (ulong)ciphertext.Length, associatedData, (ulong)associatedData.Length, nonce12, key32) == 0;

    private static void Require(bool done)
    {
        if (!done)
        {
            throw new CryptographicException("libsodium refused an operation on our own key.");
        }
    }

    [LibraryImport(Library)]
    private static partial int sodium_init();

    [LibraryImport(Library)]
    private static partial int crypto_core_ristretto255_is_valid_point(ReadOnlySpan<byte> p);

    [LibraryImport(Library)]
    private static partial int crypto_core_ristretto255_add(Span<byte> r, ReadOnlySpan<byte> p, ReadOnlySpan<byte> q);

    [LibraryImport(Library)]
    private static partial int crypto_core_ristretto255_from_hash(Span<byte> p, ReadOnlySpan<byte> r);

    [LibraryImport(Library)]
    private static partial int crypto_scalarmult_ristretto255(Span<byte> q, ReadOnlySpan<byte> n, ReadOnlySpan<byte> p);

    [LibraryImport(Library)]
    private static partial int crypto_scalarmult_ristretto255_base(Span<byte> q, ReadOnlySpan<byte> n);

    [LibraryImport(Library)]
    private static partial void crypto_core_ristretto255_scalar_add(Span<byte> z, ReadOnlySpan<byte> x, ReadOnlySpan<byte> y);

    [LibraryImport(Library)]
    private static partial void crypto_core_ristretto255_scalar_sub(Span<byte> z, ReadOnlySpan<byte> x, ReadOnlySpan<byte> y);

    [LibraryImport(Library)]
    private static partial void crypto_core_ristretto255_scalar_mul(Span<byte> z, ReadOnlySpan<byte> x, ReadOnlySpan<byte> y);

    [LibraryImport(Library)]
    private static partial int crypto_core_ristretto255_scalar_invert(Span<byte> recip, ReadOnlySpan<byte> s);

    [LibraryImport(Library)]
    private static partial void crypto_core_ristretto255_scalar_reduce(Span<byte> r, ReadOnlySpan<byte> s);

    [LibraryImport(Library)]
    private static partial int crypto_kem_xwing_seed_keypair(Span<byte> pk, Span<byte> sk, ReadOnlySpan<byte> seed);

    [LibraryImport(Library)]
    private static partial int crypto_kem_xwing_enc_deterministic(Span<byte> ct, Span<byte> ss, ReadOnlySpan<byte> pk, ReadOnlySpan<byte> seed);

    [LibraryImport(Library)]
    private static partial int crypto_kem_xwing_dec(Span<byte> ss, ReadOnlySpan<byte> ct, ReadOnlySpan<byte> sk);

    [LibraryImport(Library)]
    private static partial int crypto_kem_mlkem768_seed_keypair(Span<byte> pk, Span<byte> sk, ReadOnlySpan<byte> seed);

    [LibraryImport(Library)]
    private static partial int crypto_kem_mlkem768_dec(Span<byte> ss, ReadOnlySpan<byte> ct, ReadOnlySpan<byte> sk);

    [LibraryImport(Library)]
    private static partial int crypto_aead_chacha20poly1305_ietf_encrypt(
        Span<byte> c, out ulong clen, ReadOnlySpan<byte> m, ulong mlen, ReadOnlySpan<byte> ad, ulong adlen, nint nsec, ReadOnlySpan<byte> npub, ReadOnlySpan<byte> k);

    [LibraryImport(Library)]
    private static partial int crypto_aead_chacha20poly1305_ietf_decrypt(
        Span<byte> m, out ulong mlen, nint nsec, ReadOnlySpan<byte> c, ulong clen, ReadOnlySpan<byte> ad, ulong adlen, ReadOnlySpan<byte> npub, ReadOnlySpan<byte> k);

    [LibraryImport(Library)]
    private static partial int crypto_scalarmult_curve25519(Span<byte> q, ReadOnlySpan<byte> n, ReadOnlySpan<byte> p);
}
