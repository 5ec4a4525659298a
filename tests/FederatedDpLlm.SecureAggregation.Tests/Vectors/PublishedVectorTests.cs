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
    public void X25519_agrees_with_RFC_7748_section_5_2()
    {
        var scalar = Hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
        var point = Hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
        Assert.Equal("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552", ToHex(Sodium25519.Multiply(scalar, point)));
    }

    [Fact]
    public void X25519_agrees_with_a_thousand_iterations_of_RFC_7748_section_5_2()
    {
        var scalar = new byte[32];
        scalar[0] = 9;
        var point = scalar.ToArray();
        for (var i = 0; i < 1000; i++)
        {
            (scalar, point) = (Sodium25519.Multiply(scalar, point), scalar);
        }

        Assert.Equal("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51", ToHex(scalar));
    }

    [Fact]
    public void Signatures_agree_with_RFC_8032_section_7_1()
    {
        using var identity = new HospitalIdentity(Hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
        Assert.Equal("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", ToHex(identity.PublicKey.Span));
        Assert.Equal(
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ToHex(identity.Sign([])));
    }

    [Fact]
    public void A_signature_agrees_with_the_second_test_of_RFC_8032_section_7_1_and_no_other_verifies()
    {
        using var identity = new HospitalIdentity(Hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
        var signature = Hex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
        Assert.Equal("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", ToHex(identity.PublicKey.Span));
        Assert.Equal(ToHex(signature), ToHex(identity.Sign([0x72])));
        Assert.True(HospitalIdentity.Verify(identity.PublicKey.Span, [0x72], signature));
        Assert.False(HospitalIdentity.Verify(identity.PublicKey.Span, [0x73], signature));
        Assert.False(HospitalIdentity.Verify(identity.PublicKey.Span, [0x72], signature[..63]));
        Assert.False(HospitalIdentity.Verify(new byte[31], [0x72], signature));
        signature[63] |= 0x10;
        Assert.False(HospitalIdentity.Verify(identity.PublicKey.Span, [0x72], signature));
    }

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

    [Fact]
    public void The_group_agrees_with_RFC_9496_appendix_A_1()
    {
        string[] multiples =
        [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76",
            "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919",
            "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259",
        ];
        for (var i = 0; i < multiples.Length; i++)
        {
            Assert.True(GroupElement.TryRead(Hex(multiples[i]), out var expected));
            Assert.Equal(expected, GroupElement.MultiplyBase(Scalar.From((uint)i)));
            Assert.Equal(expected, Scalar.From((uint)i) * GroupElement.MultiplyBase(Scalar.One));
        }
    }

    [Theory]
    [InlineData("00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    [InlineData("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371")]
    [InlineData("4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f")]
    [InlineData("de6a7b00deadc788eb6b6c8d20c0ae96c2f2019078fa604fee5b87d6e989ad87")]
    [InlineData("bcab477be20861e01e4a0e295284146a510150d9817763caf1a6f4b422d67042")]
    [InlineData("2a292df7e32cababbd9de088d1d1abec9fc0440f637ed2fba145094dc14bea08")]
    [InlineData("f4a9e534fc0d216c44b218fa0c42d99635a0127ee2e53c712f70609649fdff22")]
    [InlineData("8268436f8c4126196cf64b3c7ddbda90746a378625f9813dd9b8457077256731")]
    [InlineData("2810e5cbc2cc4d4eece54f61c6f69758e289aa7ab440b3cbeaa21995c2f4232b")]
    [InlineData("3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e")]
    [InlineData("a45fdc55c76448c049a1ab33f17023edfb2be3581e9c7aade8a6125215e04220")]
    [InlineData("d483fe813c6ba647ebbfd3ec41adca1c6130c2beeee9d9bf065c8d151c5f396e")]
    [InlineData("8a2e1d30050198c65a54483123960ccc38aef6848e1ec8f5f780e8523769ba32")]
    [InlineData("32888462f8b486c68ad7dd9610be5192bbeaf3b443951ac1a8118419d9fa097b")]
    [InlineData("227142501b9d4355ccba290404bde41575b037693cef1f438c47f8fbf35d1165")]
    [InlineData("5c37cc491da847cfeb9281d407efc41e15144c876e0170b499a96a22ed31e01e")]
    [InlineData("445425117cb8c90edcbc7c1cc0e74f747f2c1efa5630a967c64f287792a48a4b")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    public void Encodings_that_RFC_9496_appendix_A_2_calls_invalid_are_refused(string encoding) =>
        Assert.False(GroupElement.TryRead(Hex(encoding), out _));

    [Theory]
    [InlineData(
        "5d1be09e3d0c82fc538112490e35701979d99e06ca3e2b5b54bffe8b4dc772c14d98b696a1bbfb5ca32c436cc61c16563790306c79eaca7705668b47dffe5bb6",
        "3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46")]
    [InlineData(
        "f116b34b8f17ceb56e8732a60d913dd10cce47a6d53bee9204be8b44f6678b270102a56902e2488c46120e9276cfe54638286b9e4b3cdb470b542d46c2068d38",
        "f26e5b6f7d362d2d2a94c5d0e7602cb4773c95a2e5c31a64f133189fa76ed61b")]
    public void Deriving_an_element_agrees_with_RFC_9496_appendix_A_3(string uniform, string encoding)
    {
        Assert.True(GroupElement.TryRead(Hex(encoding), out var expected));
        Assert.Equal(expected, GroupElement.FromHash(Hex(uniform)));
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
