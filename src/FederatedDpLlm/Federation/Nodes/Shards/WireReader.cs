using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>Reads a payload front to back; every length is checked against what is there.</summary>
internal ref struct WireReader(ReadOnlySpan<byte> payload)
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private ReadOnlySpan<byte> _left = payload;

    public readonly int Left => _left.Length;

    public byte Byte() => Bytes(1)[0];

    public int Count(int most)
    {
        var count = BinaryPrimitives.ReadInt32LittleEndian(Bytes(sizeof(int)));
        return count >= 0 && count <= most ? count : throw new ShardProtocolException($"A count is {count}, allowed is 0 to {most}.");
    }

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Bytes(sizeof(long)));

    public Guid Guid() => new(Bytes(16));

    public string Text(int mostBytes)
    {
        try
        {
            return StrictUtf8.GetString(Bytes(Count(mostBytes)));
        }
        catch (DecoderFallbackException)
        {
            throw new ShardProtocolException("A text is not UTF-8.");
        }
    }

    public ReadOnlySpan<byte> Bytes(int count)
    {
        if (count > _left.Length)
        {
            throw new ShardProtocolException("A payload ends too early.");
        }

        var taken = _left[..count];
        _left = _left[count..];
        return taken;
    }

    /// <summary>All that is left, as finite floats.</summary>
    public float[] Floats()
    {
        if (_left.Length % sizeof(float) != 0)
        {
            throw new ShardProtocolException("The values are no whole number of floats.");
        }

        var values = MemoryMarshal.Cast<byte, float>(Bytes(_left.Length)).ToArray();
        foreach (var value in values)
        {
            if (!float.IsFinite(value))
            {
                throw new ShardProtocolException("A value is not a finite number.");
            }
        }

        return values;
    }

    public readonly void End()
    {
        if (_left.Length > 0)
        {
            throw new ShardProtocolException($"A payload has {_left.Length} bytes too many.");
        }
    }
}
