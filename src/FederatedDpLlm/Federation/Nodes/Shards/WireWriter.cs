using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>Writes a payload front to back; used again after <see cref="Clear"/>.</summary>
internal sealed class WireWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new();

    public ReadOnlySpan<byte> Written => _buffer.WrittenSpan;

    public void Clear() => _buffer.ResetWrittenCount();

    public WireWriter Byte(byte value) => Bytes([value]);

    public WireWriter Int32(int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_buffer.GetSpan(sizeof(int)), value);
        _buffer.Advance(sizeof(int));
        return this;
    }

    public WireWriter Int64(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_buffer.GetSpan(sizeof(long)), value);
        _buffer.Advance(sizeof(long));
        return this;
    }

    public WireWriter Guid(Guid value)
    {
        value.TryWriteBytes(_buffer.GetSpan(16));
        _buffer.Advance(16);
        return this;
    }

    public WireWriter Text(string value)
    {
        Int32(Encoding.UTF8.GetByteCount(value));
        return Bytes(Encoding.UTF8.GetBytes(value));
    }

    public WireWriter Bytes(ReadOnlySpan<byte> value)
    {
        _buffer.Write(value);
        return this;
    }

    public WireWriter Floats(ReadOnlySpan<float> values) => Bytes(MemoryMarshal.AsBytes(values));
}
