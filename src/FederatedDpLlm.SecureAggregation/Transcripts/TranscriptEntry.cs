using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Commitments;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Transcripts;

/// <summary>A message that the coordinator accepted: a signed frame, and what it announces by hash (envelopes, the payload).</summary>
/// <param name="Stage">The stage it was accepted in.</param>
/// <param name="Frame">The signed part.</param>
/// <param name="Attachments">In the message's order.</param>
public sealed record TranscriptEntry(CoordinatorStage Stage, ReadOnlyMemory<byte> Frame, IReadOnlyList<ReadOnlyMemory<byte>> Attachments)
{
    /// <summary>The entry's leaf in the transcript's Merkle tree.</summary>
    internal byte[] Leaf()
    {
        var writer = new WireWriter();
        writer.Int32((int)Stage);
        writer.Block(Frame.Span);
        writer.Int32(Attachments.Count);
        foreach (var attachment in Attachments)
        {
            writer.Int64(attachment.Length);
            writer.Bytes(SHA256.HashData(attachment.Span));
        }

        return MerkleTree.HashLeaf(writer.ToArray());
    }
}
