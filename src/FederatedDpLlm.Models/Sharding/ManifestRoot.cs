namespace FederatedDpLlm.Models.Sharding;

/// <summary>The 32 bytes that name one model's weights: every frame between coordinator and shard carries them.</summary>
public readonly record struct ManifestRoot
{
    /// <summary>Length in bytes (SHA-256).</summary>
    public const int SizeBytes = 32;

    private readonly UInt128 _high;
    private readonly UInt128 _low;

    /// <param name="bytes">32 bytes.</param>
    public ManifestRoot(ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(bytes.Length, SizeBytes);
        _high = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes);
        _low = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes[16..]);
    }

    /// <summary>Writes the 32 bytes.</summary>
    public void CopyTo(Span<byte> destination)
    {
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(destination, _high);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(destination[16..], _low);
    }

    /// <summary>64 hexadecimal digits.</summary>
    public override string ToString() => $"{_high:x32}{_low:x32}";
}
