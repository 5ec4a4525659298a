using System.Buffers.Binary;
using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Stages;
using FederatedDpLlm.SecureAggregation.Tests.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.KeyAgreement;

public sealed class KeyScheduleTests
{
    private static readonly byte[] Context = SHA256.HashData([1]);
    private static readonly byte[] Salt = SHA256.HashData([2]);

    [Fact]
    public void A_key_is_HKDF_of_purpose_round_and_parties()
    {
        var (secret, key) = (SHA256.HashData([3]), new byte[48]);
        KeyDerivation.Derive(secret, Salt, "a purpose"u8, Context, 7, -1, key);
        byte[] info = [.. "a purpose"u8, .. new byte[23], .. Context, 7, 0, 0, 0, 255, 255, 255, 255];
        Assert.Equal(HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 48, Salt, info), key);
    }

    [Fact]
    public void Both_sides_of_a_pair_agree_on_a_key_that_nobody_else_and_no_other_round_has()
    {
        using var lower = new MaskSeed(Scalar.From(5), Context, 2);
        using var higher = new MaskSeed(Scalar.From(6), Context, 9);
        using var third = new MaskSeed(Scalar.From(7), Context, 11);
        var (ciphertext, again, key, other) = (new byte[1120], new byte[1120], new byte[16], new byte[16]);
        Assert.True(lower.TryEncapsulate(9, higher.PublicKey, Salt, ciphertext, key));
        Assert.True(higher.TryDecapsulate(2, ciphertext, Salt, other));
        Assert.Equal(key, other);
        Assert.NotEqual(new byte[16], key);
        Assert.True(lower.TryEncapsulate(9, higher.PublicKey, Salt, again, other));
        Assert.Equal(ciphertext, again);
        Assert.Equal(key, other);
        Assert.True(higher.TryDecapsulate(3, ciphertext, Salt, other));
        Assert.NotEqual(key, other);
        Assert.True(higher.TryDecapsulate(2, ciphertext, Context, other));
        Assert.NotEqual(key, other);
        Assert.True(third.TryDecapsulate(2, ciphertext, Salt, other));
        Assert.NotEqual(key, other);
        Assert.True(lower.TryEncapsulate(11, higher.PublicKey, Salt, again, other));
        Assert.NotEqual(ciphertext, again);
        Assert.False(lower.TryEncapsulate(9, higher.PublicKey.AsSpan(1), Salt, again, other));
        Assert.False(higher.TryDecapsulate(2, ciphertext.AsSpan(1), Salt, other));
    }

    [Fact]
    public void A_self_mask_belongs_to_one_client_of_one_round()
    {
        byte[] Of(uint secret, byte[] context, int client)
        {
            var key = new byte[16];
            MaskSeed.SelfMaskKey(Scalar.From(secret), context, client, key);
            return key;
        }

        byte[][] keys = [Of(1, Context, 3), Of(2, Context, 3), Of(1, Salt, 3), Of(1, Context, 4)];
        Assert.Equal(keys.Length, keys.Select(Convert.ToHexString).Distinct().Count());
        Assert.Equal(keys[0], Of(1, Context, 3));
    }

    [Fact]
    public void Keys_and_ciphertexts_of_a_wrong_length_are_mistakes_of_the_caller()
    {
        using var pair = new HybridKeyPair(new byte[32]);
        var (coins, ciphertext, secret) = (new byte[64], new byte[1120], new byte[32]);
        Assert.Throws<ArgumentOutOfRangeException>(() => new HybridKeyPair(new byte[31]));
        Assert.Throws<ArgumentOutOfRangeException>(() => HybridKeyPair.TryEncapsulate(pair.PublicKey, new byte[63], ciphertext, secret));
        Assert.Throws<ArgumentOutOfRangeException>(() => HybridKeyPair.TryEncapsulate(pair.PublicKey, coins, new byte[1121], secret));
        Assert.Throws<ArgumentOutOfRangeException>(() => HybridKeyPair.TryEncapsulate(pair.PublicKey, coins, ciphertext, new byte[33]));
        Assert.Throws<ArgumentOutOfRangeException>(() => pair.TryDecapsulate(ciphertext, new byte[31]));
        Assert.False(HybridKeyPair.TryEncapsulate(new byte[1215], coins, ciphertext, secret));
        Assert.Equal(1216, pair.PublicKey.Length);
    }

    [Fact]
    public void A_permutation_is_the_order_of_the_hashes_of_seed_and_member()
    {
        int[] members = [3, 5, 8, 13, 21, 34, 55, 89, 1000];
        var expected = members.OrderBy(member =>
        {
            var input = new byte[36];
            Salt.CopyTo(input, 0);
            BinaryPrimitives.WriteInt32LittleEndian(input.AsSpan(32), member);
            return Convert.ToHexString(SHA256.HashData(input));
        }, StringComparer.Ordinal);
        Assert.Equal(expected, PublicPermutation.Of(members, Salt));
    }

    [Fact]
    public void An_envelope_is_bound_to_round_commitments_parties_and_ciphertexts()
    {
        using var federation = new Federation(4, 5);
        var context = new EnvelopeContext(federation.Parameters, Salt, SHA256.HashData([9]), 2, 3);
        byte[] expected = [.. federation.Parameters.Digest, .. SHA256.HashData([9]), 2, 0, 0, 0, 3, 0, 0, 0, .. SHA256.HashData([4, 5])];
        Assert.Equal(expected, context.AssociatedData([4, 5]));
        Assert.Equal(1120 + 128 + 16, ShareEnvelope.SizeBytes(3, 2));

        // The platform's cipher under the same key says the same.
        var (secret, shares, encrypted, read) = (SHA256.HashData([6]), SHA256.HashData([7]), new byte[32 + EnvelopeContext.TagSizeBytes], new byte[32]);
        context.Encrypt(secret, [4, 5], shares, encrypted);
        var key = new byte[32];
        KeyDerivation.Derive(secret, Salt, "share envelope"u8, federation.Parameters.Digest, 2, 3, key);
        using var cipher = new ChaCha20Poly1305(key);
        var (ciphertext, tag) = (new byte[32], new byte[16]);
        cipher.Encrypt(new byte[12], shares, ciphertext, tag, expected);
        Assert.Equal([.. ciphertext, .. tag], encrypted);
        Assert.True(context.TryDecrypt(secret, [4, 5], encrypted, read));
        Assert.Equal(shares, read);
        Assert.False(context.TryDecrypt(secret, [4, 6], encrypted, read));
        Assert.False((context with { From = 3 }).TryDecrypt(secret, [4, 5], encrypted, read));
        encrypted[^1] ^= 1;
        Assert.False(context.TryDecrypt(secret, [4, 5], encrypted, read));
        Assert.Equal(1120 + 1120 + 128 + 16, ShareEnvelope.SizeBytes(2, 3));
    }

    [Fact]
    public void A_signature_is_verified_for_its_message_and_key_alone()
    {
        using var identity = new HospitalIdentity(new byte[32]);
        using var other = new HospitalIdentity([1, .. new byte[31]]);
        var signature = identity.Sign([1, 2, 3]);
        Assert.True(HospitalIdentity.Verify(identity.PublicKey.Span, [1, 2, 3], signature));
        Assert.False(HospitalIdentity.Verify(identity.PublicKey.Span, [1, 2, 4], signature));
        Assert.False(HospitalIdentity.Verify(other.PublicKey.Span, [1, 2, 3], signature));
        Assert.False(HospitalIdentity.Verify(identity.PublicKey.Span, [1, 2, 3], signature.AsSpan(1)));
        Assert.False(HospitalIdentity.Verify(identity.PublicKey.Span[1..], [1, 2, 3], signature));
    }
}
