using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>Writes the one encoding a message has: fixed-width little-endian integers, lengths before what varies.</summary>
internal sealed class WireWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new(256);

    public void Byte(byte value)
    {
        _buffer.GetSpan(1)[0] = value;
        _buffer.Advance(1);
    }

    public void Int32(int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_buffer.GetSpan(4), value);
        _buffer.Advance(4);
    }

    public void Int64(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_buffer.GetSpan(8), value);
        _buffer.Advance(8);
    }

    public void Double(double value) => Int64(BitConverter.DoubleToInt64Bits(value));

    public void Bytes(ReadOnlySpan<byte> value) => _buffer.Write(value);

    public void Block(ReadOnlySpan<byte> value)
    {
        Int32(value.Length);
        Bytes(value);
    }

    public void Text(string value) => Block(Encoding.UTF8.GetBytes(value));

    public byte[] ToArray() => _buffer.WrittenSpan.ToArray();
}
