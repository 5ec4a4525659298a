namespace FederatedDpLlm.SecureAggregation.Commitments;

/// <summary>
/// The hash of a payload of up to gigabytes: a Merkle tree over its pieces of 1 MiB, so that every core hashes and no piece is fetched from memory for the hash
/// alone. Reference: RFC 6962, section 2.1.
/// </summary>
internal static class PayloadHash
{
    public const int PieceSizeBytes = 1 << 20;

    public static byte[] Of(ReadOnlyMemory<byte> payload, int workers)
    {
        var leaves = new byte[Math.Max(1, (payload.Length + PieceSizeBytes - 1) / PieceSizeBytes)][];
        void Hash(int piece)
        {
            var start = piece * PieceSizeBytes;
            leaves[piece] = MerkleTree.HashLeaf(payload.Span[start..Math.Min(payload.Length, start + PieceSizeBytes)]);
        }

        if (workers <= 1 || leaves.Length == 1)
        {
            for (var piece = 0; piece < leaves.Length; piece++)
            {
                Hash(piece);
            }
        }
        else
        {
            Parallel.For(0, leaves.Length, new ParallelOptions { MaxDegreeOfParallelism = workers }, Hash);
        }

        return MerkleTree.Root(leaves);
    }
}
