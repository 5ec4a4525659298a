using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Masking;
using FederatedDpLlm.SecureAggregation.SecretSharing;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Kems;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Math.EC.Rfc7748;

namespace FederatedDpLlm.SecureAggregation.Tests.Vectors;

public sealed class PublishedVectorTests
{
    [Fact]
    public void The_keystream_agrees_with_SP_800_38A_F_5_1()
    {
        var key = Hex("2b7e151628aed2a6abf7158809cf4f3c");
        var plaintext = Hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710");
        const string Ciphertext = "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee";
        foreach (var portable in new[] { false, true })
        {
            using var stream = new CounterKeystream(key, 0xf0f1f2f3f4f5f6f7, portable);
            var lanes = new uint[16];
            stream.AddTo(lanes, 0xf8f9fafbfcfdfeff);
            var keystream = MemoryMarshal.AsBytes(lanes.AsSpan()).ToArray();
            Assert.Equal(Ciphertext, ToHex(keystream.Zip(plaintext, (k, p) => (byte)(k ^ p)).ToArray()));
        }
    }

    // RFC 5869, appendices A.1 to A.3: the cases for SHA-256, which is the only hash that keys are derived with. A.4 to A.7 are for SHA-1.
    [Theory]
    [InlineData("A.1", 0x0b, 22, false, 0x00, 13, 0xf0, 10, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")]
    [InlineData(
        "A.2", 0x00, 80, true, 0x60, 80, 0xb0, 80,
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87")]
    [InlineData("A.3", 0x0b, 22, false, 0x00, 0, 0xf0, 0, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")]
    public void Derivation_agrees_with_RFC_5869_appendix_A(string test, int keyFrom, int keyLength, bool keyCounts, int saltFrom, int saltLength, int infoFrom, int infoLength, string okm)
    {
        static byte[] Counting(int from, int length) => [.. Enumerable.Range(from, length).Select(one => (byte)one)];
        byte[] key = keyCounts ? Counting(keyFrom, keyLength) : [.. Enumerable.Repeat((byte)keyFrom, keyLength)];
        var derived = HKDF.DeriveKey(HashAlgorithmName.SHA256, key, okm.Length / 2, Counting(saltFrom, saltLength), Counting(infoFrom, infoLength));
        Assert.Equal((test, okm), (test, ToHex(derived)));
    }

    [Fact]
    public void A_scalar_that_is_not_below_the_order_is_refused()
    {
        // l itself, little-endian: RFC 9496, section 4.4.
        var order = Hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
        Assert.False(Scalar.TryRead(order, out _));
        order[0]--;
        Assert.True(Scalar.TryRead(order, out var largest));
        Assert.True((largest + Scalar.One).FixedTimeEquals(Scalar.Zero));
    }

    [Fact]
    public void Shares_agree_with_the_polynomial_of_RFC_9591_appendix_E_3()
    {
        // FROST(ristretto255, SHA-512): group secret, one coefficient, three shares.
        var secret = Read("1b25a55e463cfd15cf14a5d3acc3d15053f08da49c8afcf3ab265f2ebc4f970b");
        using var polynomial = new Polynomial([secret, Read("410f8b744b19325891d73736923525a4f596c805d060dfb9c98009d34e3fec02")]);
        string[] shares =
        [
            "5c3430d391552f6e60ecdc093ff9f6f4488756aa6cebdbad75a768010b8f830e",
            "b06fc5eac20b4f6e1b271d9df2343d843e1e1fb03c4cbb673f2872d459ce6f01",
            "f17e505f0e2581c6acfe54d3846a622834b5e7b50cad9a2109a97ba7a80d5c04",
        ];
        for (var i = 0; i < 3; i++)
        {
            Assert.True(polynomial.Evaluate(i + 1).FixedTimeEquals(Read(shares[i])));
        }

        var restored = VerifiableSecretSharing.Reconstruct([new(1, Read(shares[0]), Scalar.Zero), new(3, Read(shares[2]), Scalar.Zero)]);
        Assert.True(restored.Value.FixedTimeEquals(secret));
        Assert.True(GroupElement.TryRead(Hex("e2a62f39eede11269e3bd5a7d97554f5ca384f9f6d3dd9c3c0d05083c7254f57"), out var groupKey));
        Assert.Equal(groupKey, GroupElement.MultiplyBase(secret));
    }

    [Fact]
    public void The_hybrid_key_agreement_is_X_Wing_as_its_draft_writes_it_over_another_library()
    {
        // draft-connolly-cfrg-xwing-kem, section 5: everything recomputed with BouncyCastle's ML-KEM-768, X25519, SHAKE256 and SHA3-256.
        var random = new TestRandom(768);
        var (seed, coins) = (new byte[32], new byte[64]);
        random.Fill(seed);
        random.Fill(coins);
        using var pair = new HybridKeyPair(seed);
        var (ciphertext, shared) = (new byte[HybridKeyPair.CiphertextSizeBytes], new byte[32]);
        Assert.True(HybridKeyPair.TryEncapsulate(pair.PublicKey, coins, ciphertext, shared));

        var expanded = new byte[96];
        var shake = new ShakeDigest(256);
        shake.BlockUpdate(seed, 0, 32);
        shake.OutputFinal(expanded, 0, 96);
        var lattice = MLKemPrivateKeyParameters.FromSeed(MLKemParameters.ml_kem_768, expanded[..64]);
        var curvePublic = new byte[32];
        X25519.ScalarMultBase(expanded, 64, curvePublic, 0);
        Assert.Equal(pair.PublicKey, (byte[])[.. lattice.GetPublicKeyEncoded(), .. curvePublic]);

        var (latticeSecret, curveSecret) = (new byte[32], new byte[32]);
        var decapsulator = new MLKemDecapsulator(MLKemParameters.ml_kem_768);
        decapsulator.Init(lattice);
        decapsulator.Decapsulate(ciphertext, 0, 1088, latticeSecret, 0, 32);
        X25519.ScalarMult(expanded, 64, ciphertext, 1088, curveSecret, 0);
        byte[] label = [0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c];
        Assert.Equal(shared, Sha3([.. latticeSecret, .. curveSecret, .. ciphertext[1088..], .. curvePublic, .. label]));

        var decapsulated = new byte[32];
        Assert.True(pair.TryDecapsulate(ciphertext, decapsulated));
        Assert.Equal(shared, decapsulated);
    }

    [Fact]
    public void Decapsulation_with_the_expanded_key_is_the_librarys_for_honest_changed_and_low_order_ciphertexts()
    {
        var random = new TestRandom(769);
        for (var i = 0; i < 60; i++)
        {
            var (seed, coins) = (new byte[32], new byte[64]);
            random.Fill(seed);
            random.Fill(coins);
            using var pair = new HybridKeyPair(seed);
            var (ciphertext, shared) = (new byte[HybridKeyPair.CiphertextSizeBytes], new byte[32]);
            Assert.True(HybridKeyPair.TryEncapsulate(pair.PublicKey, coins, ciphertext, shared));
            if (i % 3 == 1)
            {
                ciphertext[random.Below(ciphertext.Length)] ^= 1;
            }
            else if (i % 3 == 2)
            {
                ciphertext.AsSpan(1088).Clear();
            }

            var (own, librarys) = (new byte[32], new byte[32]);
            var accepted = FederatedDpLlm.SecureAggregation.Primitives.Sodium.XWingDecapsulate(librarys, ciphertext, seed);
            Assert.Equal(accepted, pair.TryDecapsulate(ciphertext, own));
            Assert.Equal(librarys, own);
            Assert.Equal(i % 3 == 0, own.AsSpan().SequenceEqual(shared));
        }
    }

    private static byte[] Sha3(byte[] input)
    {
        var digest = new Sha3Digest(256);
        digest.BlockUpdate(input, 0, input.Length);
        var output = new byte[32];
        digest.DoFinal(output, 0);
        return output;
    }

    private static Scalar Read(string hex)
    {
        Assert.True(Scalar.TryRead(Hex(hex), out var scalar));
        return scalar;
    }

    private static byte[] Hex(string hex) => Convert.FromHexString(hex);

    private static string ToHex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
