using System.Buffers.Binary;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Transcripts;

/// <summary>
/// Writes a round down as the coordinator accepts it: append-only, then sealed. It is the coordinator's whole view: masked updates, commitments, encrypted
/// and released shares. Whoever reads it learns what the coordinator learned, the sum and nothing else, so it is kept as carefully as the sum.
/// Format: magic "FST1", the parameters as a block; entries: tag 1, stage (4 bytes), the frame as a block, the number of attachments (4), each with its length
/// (8); the seal: tag 2, the seal as a block, the coordinator's key (32), its signature (64). Blocks have a 4-byte length; everything little-endian.
/// </summary>
public sealed class TranscriptWriter
{
    internal const byte EntryTag = 1;
    internal const byte SealTag = 2;
    private readonly Stream _destination;
    private readonly RoundParameters _parameters;
    private readonly List<byte[]> _leaves = [];
    private bool _sealed;

    /// <param name="destination">Written to, not closed.</param>
    /// <param name="parameters">The round's.</param>
    public TranscriptWriter(Stream destination, RoundParameters parameters)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ArgumentNullException.ThrowIfNull(parameters);
        (_destination, _parameters) = (destination, parameters);
        _destination.Write(Magic);
        WriteBlock(parameters.Encode());
    }

    internal static ReadOnlySpan<byte> Magic => "FST1"u8;

    /// <summary>Appends a message that the coordinator accepted.</summary>
    public void Append(TranscriptEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        RequireOpen();
        _leaves.Add(entry.Leaf());
        _destination.WriteByte(EntryTag);
        WriteInt32((int)entry.Stage);
        WriteBlock(entry.Frame.Span);
        WriteInt32(entry.Attachments.Count);
        Span<byte> length = stackalloc byte[8];
        foreach (var attachment in entry.Attachments)
        {
            BinaryPrimitives.WriteInt64LittleEndian(length, attachment.Length);
            _destination.Write(length);
            _destination.Write(attachment.Span);
        }
    }

    /// <summary>Appends the result and the coordinator's signature; nothing can be appended afterwards.</summary>
    public TranscriptSeal Seal(Outcome<AggregateSum> outcome, HospitalIdentity coordinator)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        ArgumentNullException.ThrowIfNull(coordinator);
        RequireOpen();
        _sealed = true;
        var seal = TranscriptSeal.Of(outcome, _leaves.ToArray());
        _destination.WriteByte(SealTag);
        WriteBlock(seal.Encode());
        _destination.Write(coordinator.PublicKey.Span);
        _destination.Write(seal.Sign(coordinator, _parameters));
        _destination.Flush();
        return seal;
    }

    private void RequireOpen()
    {
        if (_sealed)
        {
            throw new InvalidOperationException("The transcript is sealed.");
        }
    }

    private void WriteInt32(int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        _destination.Write(bytes);
    }

    private void WriteBlock(ReadOnlySpan<byte> bytes)
    {
        WriteInt32(bytes.Length);
        _destination.Write(bytes);
    }
}
