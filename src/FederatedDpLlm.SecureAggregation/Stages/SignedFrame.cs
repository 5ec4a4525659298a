using FederatedDpLlm.SecureAggregation.KeyAgreement;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>
/// A client's signed message: magic (4 bytes), kind (1), digest of the round's parameters (32), sender (4), body, Ed25519 signature (64) over all before it.
/// The digest binds version, task, round, configuration, roster, model hash and privacy plan.
/// </summary>
internal sealed class SignedFrame
{
    private const int HeaderSizeBytes = 4 + 1 + 32 + 4;
    private const int OverheadBytes = HeaderSizeBytes + HospitalIdentity.SignatureSizeBytes;

    private readonly ReadOnlyMemory<byte> _bytes;

    private SignedFrame(ReadOnlyMemory<byte> bytes, int sender)
    {
        _bytes = bytes;
        Sender = sender;
    }

    public int Sender { get; }

    public ReadOnlyMemory<byte> Bytes => _bytes;

    public ReadOnlySpan<byte> Body => _bytes.Span[HeaderSizeBytes..^HospitalIdentity.SignatureSizeBytes];

    private static ReadOnlySpan<byte> Magic => "FSA1"u8;

    public static byte[] Seal(MessageKind kind, RoundParameters parameters, int sender, HospitalIdentity identity, ReadOnlySpan<byte> body)
    {
        var writer = new WireWriter();
        writer.Bytes(Magic);
        writer.Byte((byte)kind);
        writer.Bytes(parameters.Digest);
        writer.Int32(sender);
        writer.Bytes(body);
        var signed = writer.ToArray();
        return [.. signed, .. identity.Sign(signed)];
    }

    /// <summary>Who says to have sent a frame, before anything was checked; null where the bytes are too short.</summary>
    public static int? ClaimedSender(ReadOnlySpan<byte> bytes) =>
        bytes.Length < OverheadBytes ? null : System.Buffers.Binary.BinaryPrimitives.ReadInt32LittleEndian(bytes[(HeaderSizeBytes - 4)..]);

    /// <summary>Checks everything but the body.</summary>
    public static Outcome<SignedFrame> Open(ReadOnlyMemory<byte> bytes, MessageKind kind, RoundParameters parameters)
    {
        var reader = new WireReader(bytes.Span);
        var magic = reader.Bytes(4);
        var found = reader.Byte();
        var context = reader.Bytes(32);
        var sender = reader.Int32();
        if (reader.IsBroken || bytes.Length < OverheadBytes || !magic.SequenceEqual(Magic) || found != (byte)kind)
        {
            return Outcome<SignedFrame>.Refused(RefusalCode.Malformed);
        }

        if (!context.SequenceEqual(parameters.Digest))
        {
            return Outcome<SignedFrame>.Refused(RefusalCode.WrongContext);
        }

        if (sender < 0 || sender >= parameters.Clients)
        {
            return Outcome<SignedFrame>.Refused(RefusalCode.UnknownSender);
        }

        var signature = bytes.Span[^HospitalIdentity.SignatureSizeBytes..];
        return HospitalIdentity.Verify(parameters.KeyOf(sender), bytes.Span[..^HospitalIdentity.SignatureSizeBytes], signature)
            ? Outcome<SignedFrame>.Accepted(new SignedFrame(bytes, sender))
            : Outcome<SignedFrame>.Refused(RefusalCode.BadSignature);
    }
}
