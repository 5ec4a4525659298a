using System.Buffers.Binary;

namespace FederatedDpLlm.SecureAggregation.Transcripts;

/// <summary>Reads a transcript's parts from a file that may hold anything: no length is believed that the file is too short for.</summary>
internal sealed class TranscriptReader(Stream source)
{
    // Frames hold commitments of at most 1,023 neighbours; nothing but an attachment is longer.
    private const int LongestBlock = 1 << 22;
    private const int MostAttachments = 1024;

    /// <summary>Whether nothing is left.</summary>
    public bool IsAtEnd => source.Position == source.Length;

    /// <summary>Null where the file is too short.</summary>
    public byte[]? Bytes(long length)
    {
        if (length < 0 || length > source.Length - source.Position || length > Array.MaxLength)
        {
            return null;
        }

        var bytes = GC.AllocateUninitializedArray<byte>((int)length);
        source.ReadExactly(bytes);
        return bytes;
    }

    public int? Int32() => Bytes(4) is { } bytes ? BinaryPrimitives.ReadInt32LittleEndian(bytes) : null;

    public byte? Tag() => Bytes(1)?[0];

    public byte[]? Block() => Int32() is { } length and <= LongestBlock ? Bytes(length) : null;

    /// <summary>Null where the rest is no entry.</summary>
    public TranscriptEntry? Entry()
    {
        if (Int32() is not { } stage || !Enum.IsDefined((Stages.CoordinatorStage)stage) || Block() is not { } frame || Int32() is not { } count || count is < 0 or > MostAttachments)
        {
            return null;
        }

        var attachments = new List<ReadOnlyMemory<byte>>(count);
        for (var i = 0; i < count; i++)
        {
            if (Bytes(8) is not { } length || Bytes(BinaryPrimitives.ReadInt64LittleEndian(length)) is not { } attachment)
            {
                return null;
            }

            attachments.Add(attachment);
        }

        return new TranscriptEntry((Stages.CoordinatorStage)stage, frame, attachments);
    }
}
