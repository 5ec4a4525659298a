using System.Security.Cryptography;

namespace FederatedDpLlm.SecureAggregation.Commitments;

/// <summary>
/// The hash tree of certificate transparency: one root commits to every upload, and a short proof shows a client that its own is among them.
/// Reference: RFC 6962, section 2.1 (leaves and nodes are hashed with different prefixes, so that no node can pass for a leaf).
/// </summary>
public static class MerkleTree
{
    /// <summary>The length of a hash.</summary>
    public const int HashSizeBytes = 32;

    private const byte LeafPrefix = 0;
    private const byte NodePrefix = 1;

    /// <summary>The hash of a leaf.</summary>
    public static byte[] HashLeaf(ReadOnlySpan<byte> leaf)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData([LeafPrefix]);
        hash.AppendData(leaf);
        return hash.GetHashAndReset();
    }

    /// <summary>The root over leaf hashes; of none, the hash of the empty string.</summary>
    public static byte[] Root(ReadOnlySpan<byte[]> leafHashes) => leafHashes.Length switch
    {
        0 => SHA256.HashData([]),
        1 => leafHashes[0],
        var n => HashNode(Root(leafHashes[..Split(n)]), Root(leafHashes[Split(n)..])),
    };

    /// <summary>The sibling hashes from a leaf up to the root.</summary>
    public static IReadOnlyList<byte[]> Prove(ReadOnlySpan<byte[]> leafHashes, int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, leafHashes.Length);
        var path = new List<byte[]>();
        Collect(leafHashes, index, path);
        return path;
    }

    /// <summary>Whether a leaf hash is at <paramref name="index"/> of the tree of <paramref name="count"/> leaves with that root (RFC 9162, section 2.1.3.2).</summary>
    public static bool Verify(ReadOnlySpan<byte> leafHash, long index, long count, IReadOnlyList<byte[]> path, ReadOnlySpan<byte> root)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (index < 0 || index >= count || leafHash.Length != HashSizeBytes)
        {
            return false;
        }

        var (node, last) = (index, count - 1);
        var hash = leafHash.ToArray();
        foreach (var sibling in path)
        {
            if (last == 0 || sibling.Length != HashSizeBytes)
            {
                return false;
            }

            if ((node & 1) == 1 || node == last)
            {
                hash = HashNode(sibling, hash);
                while ((node & 1) == 0 && node != 0)
                {
                    (node, last) = (node >> 1, last >> 1);
                }
            }
            else
            {
                hash = HashNode(hash, sibling);
            }

            (node, last) = (node >> 1, last >> 1);
        }

        return last == 0 && CryptographicOperations.FixedTimeEquals(hash, root);
    }

    private static void Collect(ReadOnlySpan<byte[]> leafHashes, int index, List<byte[]> path)
    {
        if (leafHashes.Length == 1)
        {
            return;
        }

        var split = Split(leafHashes.Length);
        if (index < split)
        {
            Collect(leafHashes[..split], index, path);
            path.Add(Root(leafHashes[split..]));
        }
        else
        {
            Collect(leafHashes[split..], index - split, path);
            path.Add(Root(leafHashes[..split]));
        }
    }

    // The largest power of two below n.
    private static int Split(int n) => 1 << (31 - System.Numerics.BitOperations.LeadingZeroCount((uint)n - 1));

    private static byte[] HashNode(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        Span<byte> node = stackalloc byte[1 + (2 * HashSizeBytes)];
        node[0] = NodePrefix;
        left.CopyTo(node[1..]);
        right.CopyTo(node[(1 + HashSizeBytes)..]);
        return SHA256.HashData(node);
    }
}
