using System.Buffers.Binary;
using System.Text;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>
/// Reads what <see cref="WireWriter"/> writes, from a peer that may send anything: it never throws and never reads past the end. After the first thing
/// that does not fit, <see cref="IsBroken"/> stays true and every read gives a default.
/// </summary>
internal ref struct WireReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public bool IsBroken { get; private set; }

    public readonly int Remaining => _rest.Length;

    /// <summary>Whether everything was read and everything fitted: trailing bytes are an error, since an encoding is unique.</summary>
    public readonly bool IsComplete => !IsBroken && _rest.IsEmpty;

    public byte Byte()
    {
        var span = Bytes(1);
        return span.IsEmpty ? (byte)0 : span[0];
    }

    public int Int32()
    {
        var span = Bytes(4);
        return span.IsEmpty ? 0 : BinaryPrimitives.ReadInt32LittleEndian(span);
    }

    public long Int64()
    {
        var span = Bytes(8);
        return span.IsEmpty ? 0 : BinaryPrimitives.ReadInt64LittleEndian(span);
    }

    public double Double() => BitConverter.Int64BitsToDouble(Int64());

    /// <summary>A count between 0 and <paramref name="most"/>.</summary>
    public int Count(int most)
    {
        var count = Int32();
        if (count < 0 || count > most)
        {
            Break();
            return 0;
        }

        return count;
    }

    public ReadOnlySpan<byte> Bytes(int length)
    {
        if (IsBroken || length > _rest.Length)
        {
            Break();
            return default;
        }

        var taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }

    public ReadOnlySpan<byte> Block(int longest) => Bytes(Count(longest));

    public string Text(int longestBytes)
    {
        var bytes = Block(longestBytes);
        return System.Text.Unicode.Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : Fail();
    }

    public void Break()
    {
        IsBroken = true;
        _rest = default;
    }

    private string Fail()
    {
        Break();
        return "";
    }
}
