using System.Runtime.InteropServices;

namespace FederatedDpLlm.SecureAggregation.Tests.Vectors;

/// <summary>The two halves of X-Wing on their own, in the very library that the product calls, to hold them against published vectors.</summary>
internal static partial class Sodium25519
{
    public static byte[] Multiply(ReadOnlySpan<byte> scalar, ReadOnlySpan<byte> point)
    {
        var product = new byte[32];
        crypto_scalarmult_curve25519(product, scalar, point);
        return product;
    }

    public static (byte[] PublicKey, byte[] SecretKey) KemKeyPair(ReadOnlySpan<byte> seed64)
    {
        var (publicKey, secretKey) = (new byte[1184], new byte[2400]);
        Assert.Equal(0, crypto_kem_mlkem768_seed_keypair(publicKey, secretKey, seed64));
        return (publicKey, secretKey);
    }

    public static byte[] KemDecapsulate(ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> secretKey)
    {
        var shared = new byte[32];
        Assert.Equal(0, crypto_kem_mlkem768_dec(shared, ciphertext, secretKey));
        return shared;
    }

    [LibraryImport("libsodium")]
    private static partial int crypto_scalarmult_curve25519(Span<byte> q, ReadOnlySpan<byte> n, ReadOnlySpan<byte> p);

    [LibraryImport("libsodium")]
    private static partial int crypto_kem_mlkem768_seed_keypair(Span<byte> pk, Span<byte> sk, ReadOnlySpan<byte> seed);

    [LibraryImport("libsodium")]
    private static partial int crypto_kem_mlkem768_dec(Span<byte> ss, ReadOnlySpan<byte> ct, ReadOnlySpan<byte> sk);
}
