using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Commitments;
using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.Homomorphic;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Masking;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Vectors;

/// <summary>
/// Hashes of what this version computes from fixed secrets. Hospitals of one round may run different builds, and a secret that is restored from shares must give
/// the bytes that its owner computed: a change here is a change of the protocol, to be made with a new version number and on purpose.
/// </summary>
public sealed class PinnedBytesTests
{
    private static readonly byte[] Public = [.. Enumerable.Range(1, 16).Select(i => (byte)i)];
    private static readonly byte[] Secret = SHA256.HashData([1]);

    [Theory, InlineData(1), InlineData(2)]
    public void A_ciphertext_of_the_homomorphic_mode_is_the_pinned_one(int workers)
    {
        var layout = new SlotLayout(16, 100);
        var values = Enumerable.Range(0, layout.ValuesPerElement + 9).Select(i => (i * 7919 % 65536) - 32768).ToArray();
        using var encryption = new KeyAdditiveEncryption(layout, Public, Secret);
        var ciphertext = new byte[KeyAdditiveEncryption.SizeBytes(layout, values.Length)];
        encryption.Encrypt(values, ciphertext, workers);
        AssertPinned("6142491fc69ab3bc4a748b38", ciphertext);
        AssertPinned("6510e622b5cea86f262466f5", [.. encryption.Key.ToArray().Select(one => (byte)one)]);
    }

    [Fact]
    public void A_dealing_and_a_ciphertext_of_the_committee_mode_are_the_pinned_ones()
    {
        var parameters = new CommitteeParameters(5, 3, 100);
        using var dealing = new CommitteeDealing(parameters, Public, Secret);
        AssertPinned("6b7460277b0b32f8f61788ea", dealing.PublicPart);
        AssertPinned("ba1fad0522c1e42d19979fb6", dealing.ShareAt(1));
        AssertPinned("3ec5ceed6f7fff8789b52de2", dealing.ShareAt(5));
        Assert.Throws<ArgumentOutOfRangeException>(() => dealing.ShareAt(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => dealing.ShareAt(6));
        using var key = RingElement.TryRead(dealing.PublicPart)!;
        var ciphertext = new byte[CommitteeEncryption.CiphertextSizeBytes];
        CommitteeEncryption.Encrypt(parameters, Public, key, [.. Enumerable.Range(0, Ring.Degree).Select(i => (long)(i % 127) - 63)], Secret, ciphertext);
        AssertPinned("bab6d7a2be2de62db370ffe7", ciphertext);
        using var flooding = new KeystreamWords(Public);
        AssertPinned("18b54a07d23aed473334542d", CommitteeEncryption.Answer(parameters, key, RingElement.TryRead(dealing.ShareAt(2))!, flooding));
    }

    [Fact]
    public void A_masked_vector_is_the_pinned_one()
    {
        using var masks = new MaskSet();
        masks.Add(Public, subtract: false);
        masks.Add(Secret.AsSpan(0, 16), subtract: true);
        var values = Enumerable.Range(0, 20_000).Select(i => (i * 31 % 65536) - 32768).ToArray();
        foreach (var (sizeBytes, pinned) in new[] { (2, "6ee411c0ee8a5a9c977df18b"), (3, "eefe5358e2070b505a856bb5"), (4, "bfe93e384dff8396a34cc471") })
        {
            var packed = new byte[values.Length * sizeBytes];
            masks.Seal(values, 16, new LaneFormat(sizeBytes), packed, 1);
            AssertPinned(pinned, packed);
        }
    }

    [Fact]
    public void Keys_of_the_key_layer_are_the_pinned_ones()
    {
        using var seed = new MaskSeed(Scalar.From(5), Secret, 2);
        using var other = new MaskSeed(Scalar.From(6), Secret, 9);
        var (ciphertext, key) = (new byte[HybridKeyPair.CiphertextSizeBytes], new byte[16]);
        Assert.True(seed.TryEncapsulate(9, other.PublicKey, Secret, ciphertext, key));
        AssertPinned("f66374fb0f4d55a78ac4b1b9", seed.PublicKey);
        AssertPinned("3eb08c5e2e268bcd26642b9e", ciphertext);
        AssertPinned("18573854154c721200f4b23d", key);
        MaskSeed.SelfMaskKey(Scalar.From(5), Secret, 2, key);
        AssertPinned("3116a29c04a2cfc66a681215", key);
    }

    [Fact]
    public void The_digest_of_a_round_and_the_challenge_to_its_sum_are_the_pinned_ones()
    {
        var roster = Enumerable.Range(0, 5).Select(i => (ReadOnlyMemory<byte>)SHA256.HashData([(byte)i])).ToArray();
        var parameters = new RoundParameters("pinned", 7, AggregationMode.Mask, 1100, 16, roster, Secret, SHA256.HashData([2]), 4);
        AssertPinned("bf939c176d7e1d7c6e9f7b02", parameters.Encode());
        var announcement = new SurvivorAnnouncement([0, 1, 3, 4], Secret);
        AssertPinned("af75fbaf77b6b2e5b32f7702", announcement.Encode(parameters));
        var (first, second) = SumChallenge.For(parameters, announcement, [.. Enumerable.Range(0, 1100)]).Evaluate([.. Enumerable.Range(-500, 1100)]);
        AssertPinned("2f431a21e0110710008f5cef", [.. BitConverter.GetBytes(first), .. BitConverter.GetBytes(second)]);
    }

    private static void AssertPinned(string pinned, ReadOnlySpan<byte> bytes) => Assert.Equal(pinned, Convert.ToHexStringLower(SHA256.HashData(bytes))[..24]);
}
