using System.Security.Cryptography;
using System.Text.Json;
using FederatedDpLlm.SecureAggregation.Commitments;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.SecureAggregation.Tests.Commitments;

public sealed class MerkleTreeTests
{
    [Fact]
    public void Every_published_inclusion_case_is_judged_as_published()
    {
        var folder = SharedData.Path("merkle", "inclusion");
        var cases = 0;
        foreach (var file in Directory.EnumerateFiles(folder, "*.json", SearchOption.AllDirectories))
        {
            using var document = JsonDocument.Parse(File.ReadAllText(file));
            var one = document.RootElement;
            var (index, size) = (one.GetProperty("leafIdx").GetUInt64(), one.GetProperty("treeSize").GetUInt64());
            if (index > long.MaxValue || size > long.MaxValue)
            {
                continue;
            }

            var proof = one.GetProperty("proof");
            byte[][] path = proof.ValueKind == JsonValueKind.Null ? [] : [.. proof.EnumerateArray().Select(hash => hash.GetBytesFromBase64())];
            var valid = MerkleTree.Verify(Bytes(one, "leafHash"), (long)index, (long)size, path, Bytes(one, "root"));
            Assert.Equal(!one.GetProperty("wantErr").GetBoolean(), valid);
            cases++;
        }

        Assert.True(cases > 90, $"only {cases} cases");
    }

    [Fact]
    public void Every_leaf_of_every_small_tree_has_its_proof_and_no_other()
    {
        for (var count = 1; count <= 33; count++)
        {
            byte[][] leaves = [.. Enumerable.Range(0, count).Select(i => Leaf([(byte)i]))];
            var root = MerkleTree.Root(leaves);
            for (var index = 0; index < count; index++)
            {
                var path = MerkleTree.Prove(leaves, index);
                Assert.True(MerkleTree.Verify(leaves[index], index, count, path, root));
                Assert.False(MerkleTree.Verify(leaves[index], index, count, path, SHA256.HashData(root)));
                Assert.False(MerkleTree.Verify(Leaf([255]), index, count, path, root));
                Assert.False(MerkleTree.Verify(leaves[index], (index + 1) % count, count, path, root) && count > 1);
            }
        }
    }

    internal static byte[] Leaf(ReadOnlySpan<byte> leaf) => MerkleTree.HashLeaf(leaf);

    private static byte[] Bytes(JsonElement one, string name) => one.GetProperty(name).ValueKind == JsonValueKind.Null ? [] : one.GetProperty(name).GetBytesFromBase64();
}
