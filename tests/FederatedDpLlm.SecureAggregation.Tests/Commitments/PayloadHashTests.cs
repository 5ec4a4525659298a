using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Commitments;
using FederatedDpLlm.SecureAggregation.Stages;
using FederatedDpLlm.SecureAggregation.Tests.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Commitments;

public sealed class PayloadHashTests
{
    [Theory, InlineData(0, 1), InlineData(1, 1), InlineData(1 << 20, 1), InlineData((1 << 20) + 1, 2), InlineData((3 << 20) - 1, 3), InlineData((4 << 20) + 5, 5)]
    public void The_hash_of_a_payload_is_the_root_over_its_pieces_of_a_mebibyte(int length, int pieces)
    {
        var payload = new byte[length];
        new TestRandom(length).Fill(payload.AsSpan(0, Math.Min(length, 100)));
        var leaves = Enumerable.Range(0, pieces).Select(piece => SHA256.HashData([0, .. payload.Skip(piece << 20).Take(1 << 20)])).ToArray();
        var expected = leaves.Length switch
        {
            1 => leaves[0],
            2 => Node(leaves[0], leaves[1]),
            3 => Node(Node(leaves[0], leaves[1]), leaves[2]),
            _ => Node(Node(Node(leaves[0], leaves[1]), Node(leaves[2], leaves[3])), leaves[4]),
        };
        Assert.Equal(expected, PayloadHash.Of(payload, workers: 1));
        Assert.Equal(expected, PayloadHash.Of(payload, workers: 3));

        static byte[] Node(byte[] left, byte[] right) => SHA256.HashData([1, .. left, .. right]);
    }

    [Fact]
    public void A_proof_is_asked_for_a_leaf_of_the_tree()
    {
        byte[][] leaves = [new byte[32], new byte[32]];
        Assert.Throws<ArgumentOutOfRangeException>(() => MerkleTree.Prove(leaves, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => MerkleTree.Prove(leaves, 2));
        Assert.Throws<ArgumentNullException>(() => MerkleTree.Verify(leaves[0], 0, 2, null!, leaves[0]));
        Assert.False(MerkleTree.Verify(new byte[31], 0, 1, [], new byte[31]));
        Assert.False(MerkleTree.Verify(leaves[0], -1, 2, [leaves[1]], leaves[0]));
        Assert.False(MerkleTree.Verify(leaves[0], 0, 2, [new byte[31]], leaves[0]));
        Assert.Equal(SHA256.HashData([]), MerkleTree.Root([]));
    }

    [Fact]
    public void The_challenge_to_a_long_sum_looks_at_every_value_with_a_coefficient_of_its_own()
    {
        // Longer than one piece of the keystream: a coefficient that came twice would let two values be exchanged.
        const int Length = 2500;
        using var federation = new Federation(4, Length);
        var announcement = new SurvivorAnnouncement([0, 1, 2, 3], new byte[32]);
        var challenge = SumChallenge.For(federation.Parameters, announcement, new int[Length]);
        var seen = new HashSet<(ulong, ulong)>();
        for (var place = 0; place < Length; place += 7)
        {
            var unit = new int[Length];
            unit[place] = 1;
            Assert.True(seen.Add(challenge.Evaluate(unit)));
        }

        Assert.Equal((0UL, 0UL), challenge.Evaluate(new int[Length]));
        Assert.NotEqual(challenge.Digest.ToArray(), SumChallenge.For(federation.Parameters, announcement, [1, .. new int[Length - 1]]).Digest.ToArray());
        Assert.NotEqual(challenge.Digest.ToArray(), SumChallenge.For(federation.Parameters, new SurvivorAnnouncement([0, 1, 2], new byte[32]), new int[Length]).Digest.ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => SumChallenge.For(federation.Parameters, announcement, new int[Length - 1]));
    }
}
