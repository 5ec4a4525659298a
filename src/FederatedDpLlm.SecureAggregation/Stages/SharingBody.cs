using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.SecretSharing;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>The signed part of a sharing: the advertisements it answers, the commitments of two secrets, the hash of every envelope.</summary>
/// <param name="Advertisements">The digest of the advertisements.</param>
/// <param name="Seed">The commitments to the seed's shares.</param>
/// <param name="SelfMask">The commitments to the self-mask's shares.</param>
/// <param name="EnvelopeHashes">SHA-256 of every envelope, in ascending order of the neighbours.</param>
/// <param name="Binding">What an envelope's encryption is bound to besides its parties: the hash of the advertisements and the commitments.</param>
internal sealed record SharingBody(byte[] Advertisements, ShareCommitments Seed, ShareCommitments SelfMask, IReadOnlyList<byte[]> EnvelopeHashes, byte[] Binding)
{
    /// <summary>
    /// Null where the body is malformed: the number of holders follows from the graph, so the length is fixed. A holder reads its own two commitments only
    /// (checking an element costs microseconds, and a sharing has hundreds); the coordinator reads them all.
    /// </summary>
    public static SharingBody? TryDecode(ReadOnlySpan<byte> body, int sender, SharingGraph graph, int? reader = null)
    {
        var holders = graph.HoldersOf(sender);
        var wire = new WireReader(body);
        var advertisements = wire.Bytes(32).ToArray();
        var only = reader is { } one ? holders.IndexOf(one) : (int?)null;
        var seed = ReadCommitments(ref wire, holders, only);
        var selfMask = ReadCommitments(ref wire, holders, only);
        var committed = body.Length - wire.Remaining;
        var hashes = new List<byte[]>(holders.Length);
        foreach (var holder in holders)
        {
            if (holder != sender)
            {
                hashes.Add(wire.Bytes(32).ToArray());
            }
        }

        return wire.IsComplete && seed is not null && selfMask is not null
            ? new SharingBody(advertisements, seed, selfMask, hashes, SHA256.HashData(body[..committed]))
            : null;
    }

    /// <summary>The encoding up to the envelopes' hashes, of which <see cref="Binding"/> is the hash.</summary>
    public static byte[] EncodeCommitments(ReadOnlySpan<byte> advertisements, ShareCommitments seed, ShareCommitments selfMask)
    {
        var writer = new WireWriter();
        writer.Bytes(advertisements);
        Write(writer, seed);
        Write(writer, selfMask);
        return writer.ToArray();
    }

    public byte[] Encode()
    {
        var writer = new WireWriter();
        writer.Bytes(EncodeCommitments(Advertisements, Seed, SelfMask));
        foreach (var hash in EnvelopeHashes)
        {
            writer.Bytes(hash);
        }

        return writer.ToArray();
    }

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

    private static ShareCommitments? ReadCommitments(ref WireReader reader, ReadOnlySpan<int> holders, int? only)
    {
        var elements = new GroupElement[holders.Length];
        var secretBytes = reader.Bytes(GroupElement.SizeBytes);
        var secret = GroupElement.Identity;
        var valid = only is not null || GroupElement.TryRead(secretBytes, out secret);
        for (var i = 0; i < elements.Length; i++)
        {
            var bytes = reader.Bytes(GroupElement.SizeBytes);
            valid &= (only is { } place && place != i) || GroupElement.TryRead(bytes, out elements[i]);
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
