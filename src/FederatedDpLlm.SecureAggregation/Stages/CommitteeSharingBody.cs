using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Homomorphic;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>The signed part of a committee member's sharing: the advertisements it answers, what members committed to in them, its part of the public key, the hash of every envelope.</summary>
/// <param name="Advertisements">The digest of the advertisements.</param>
/// <param name="Committed">The commitments in the advertisements.</param>
/// <param name="PublicPart">The encoded part.</param>
/// <param name="EnvelopeHashes">SHA-256 of every envelope, in ascending order of the other members.</param>
internal sealed record CommitteeSharingBody(byte[] Advertisements, CommittedParts Committed, byte[] PublicPart, IReadOnlyList<byte[]> EnvelopeHashes)
{
    /// <summary>What an envelope's encryption is bound to besides its parties.</summary>
    public byte[] Binding => SHA256.HashData([.. Advertisements, .. PublicPart]);

    /// <summary>Null where the body is malformed.</summary>
    public static CommitteeSharingBody? TryDecode(ReadOnlySpan<byte> body, RoundParameters parameters)
    {
        var reader = new WireReader(body);
        var advertisements = reader.Bytes(32).ToArray();
        var committed = CommittedParts.Read(ref reader, parameters);
        var part = reader.Bytes(ResidueFormat.ElementSizeBytes).ToArray();
        var hashes = new byte[reader.Count(parameters.Dealers)][];
        for (var i = 0; i < hashes.Length; i++)
        {
            hashes[i] = reader.Bytes(32).ToArray();
        }

        using var valid = reader.IsComplete ? RingElement.TryRead(part) : null;
        return valid is null ? null : new CommitteeSharingBody(advertisements, committed, part, hashes);
    }

    public byte[] Encode()
    {
        var writer = new WireWriter();
        writer.Bytes(Advertisements);
        Committed.Write(writer);
        writer.Bytes(PublicPart);
        writer.Int32(EnvelopeHashes.Count);
        foreach (var hash in EnvelopeHashes)
        {
            writer.Bytes(hash);
        }

        return writer.ToArray();
    }
}
