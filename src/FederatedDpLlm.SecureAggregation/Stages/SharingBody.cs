using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.SecretSharing;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>The signed part of a sharing: the advertisements it answers, the commitments of two secrets, the hash of every envelope.</summary>
internal sealed record SharingBody(byte[] Advertisements, ShareCommitments Seed, ShareCommitments SelfMask, IReadOnlyList<byte[]> EnvelopeHashes)
{
    /// <summary>Null where the body is malformed: the number of holders follows from the graph, so the length is fixed.</summary>
    public static SharingBody? TryDecode(ReadOnlySpan<byte> body, int sender, SharingGraph graph)
    {
        var holders = graph.HoldersOf(sender);
        var reader = new WireReader(body);
        var advertisements = reader.Bytes(32).ToArray();
        var seed = ReadCommitments(ref reader, holders);
        var selfMask = ReadCommitments(ref reader, holders);
        var hashes = new List<byte[]>(holders.Length);
        foreach (var holder in holders)
        {
            if (holder != sender)
            {
                hashes.Add(reader.Bytes(32).ToArray());
            }
        }

        return reader.IsComplete && seed is not null && selfMask is not null ? new SharingBody(advertisements, seed, selfMask, hashes) : null;
    }

    public byte[] Encode()
    {
        var writer = new WireWriter();
        writer.Bytes(Advertisements);
        Write(writer, Seed);
        Write(writer, SelfMask);
        foreach (var hash in EnvelopeHashes)
        {
            writer.Bytes(hash);
        }

        return writer.ToArray();
    }

    /// <summary>What an envelope's encryption is bound to besides its parties.</summary>
    public static byte[] BindingOf(ReadOnlySpan<byte> advertisements, ShareCommitments seed, ShareCommitments selfMask) =>
        SHA256.HashData([.. advertisements, .. seed.Digest(), .. selfMask.Digest()]);

    public static int PointOf(int client) => client + 1;

    public static int[] PointsOf(ReadOnlySpan<int> holders)
    {
        var points = new int[holders.Length];
        for (var i = 0; i < points.Length; i++)
        {
            points[i] = PointOf(holders[i]);
        }

        return points;
    }

    private static ShareCommitments? ReadCommitments(ref WireReader reader, ReadOnlySpan<int> holders)
    {
        var elements = new GroupElement[holders.Length];
        var valid = GroupElement.TryRead(reader.Bytes(GroupElement.SizeBytes), out var secret);
        for (var i = 0; i < elements.Length; i++)
        {
            valid &= GroupElement.TryRead(reader.Bytes(GroupElement.SizeBytes), out elements[i]);
        }

        return valid ? new ShareCommitments(secret, PointsOf(holders), elements) : null;
    }

    private static void Write(WireWriter writer, ShareCommitments commitments)
    {
        Span<byte> bytes = stackalloc byte[GroupElement.SizeBytes];
        commitments.Secret.CopyTo(bytes);
        writer.Bytes(bytes);
        foreach (var element in commitments.Shares)
        {
            element.CopyTo(bytes);
            writer.Bytes(bytes);
        }
    }
}
