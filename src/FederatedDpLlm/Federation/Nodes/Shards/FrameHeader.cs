using System.Buffers.Binary;
using FederatedDpLlm.Models.Sharding;

namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>
/// The 64 bytes before every payload, little-endian: magic, kind, payload length, the request's number on this link, the plan's epoch, the manifest's root.
/// A frame of another plan or of another model's weights is refused before its payload is looked at.
/// </summary>
internal readonly record struct FrameHeader(FrameKind Kind, int PayloadBytes, ulong Number, long Epoch, ManifestRoot Manifest)
{
    public const int SizeBytes = 64;

    /// <summary>Longest payload: 256 rows of a stream 8,192 wide from six nodes of the reduction tree fit.</summary>
    public const int LargestPayloadBytes = 64 * 1024 * 1024;

    private const uint Magic = 0x31485346; // "FSH1"

    public void Write(Span<byte> destination)
    {
        destination[..SizeBytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(destination, Magic);
        destination[4] = (byte)Kind;
        BinaryPrimitives.WriteInt32LittleEndian(destination[8..], PayloadBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], Number);
        BinaryPrimitives.WriteInt64LittleEndian(destination[24..], Epoch);
        Manifest.CopyTo(destination[32..]);
    }

    /// <exception cref="ShardProtocolException">These are no header's bytes.</exception>
    public static FrameHeader Read(ReadOnlySpan<byte> source)
    {
        var kind = (FrameKind)source[4];
        var length = BinaryPrimitives.ReadInt32LittleEndian(source[8..]);
        var reserved = source[5] | source[6] | source[7] | BinaryPrimitives.ReadInt32LittleEndian(source[12..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(source) != Magic || reserved != 0 || !Enum.IsDefined(kind) || length is < 0 or > LargestPayloadBytes)
        {
            throw new ShardProtocolException("A frame does not begin like one, or is said to be longer than 64 MiB.");
        }

        return new FrameHeader(
            kind, length, BinaryPrimitives.ReadUInt64LittleEndian(source[16..]), BinaryPrimitives.ReadInt64LittleEndian(source[24..]), new ManifestRoot(source[32..SizeBytes]));
    }
}
