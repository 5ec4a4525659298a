using System.Buffers.Binary;
using System.Text;

namespace FederatedDpLlm.Models.Weights.Gguf;

/// <summary>
/// Reads the part of a GGUF file before its data. Every count and length is held against the bytes that are left before anything of its size is allocated, so
/// a lying file costs no more memory than it is long. Reference: ggml-org/ggml, docs/gguf.md, versions 2 and 3 (little-endian).
/// </summary>
internal sealed class GgufHeaderReader(Stream stream, long lengthBytes)
{
    private const uint Magic = 0x46554747;
    private const int DefaultAlignmentBytes = 32;
    private const int LargestAlignmentBytes = 1 << 20;
    private const int LargestNameBytes = 1 << 16;
    private const int FewestEntryBytes = 8 + 4 + 1;
    private const int FewestTensorBytes = 8 + 4 + 8 + 4 + 8;
    private const int MostDimensions = 4;
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);
    private long _position;

    private long Left => lengthBytes - _position;

    /// <exception cref="ModelFormatException">The header is no GGUF, or lies about the file.</exception>
    public (GgufMetadata Metadata, IReadOnlyDictionary<string, GgufTensor> Tensors) Read()
    {
        Demand(UInt32() == Magic, "The file does not begin as GGUF does.");
        var version = UInt32();
        Demand(version is 2 or 3, $"GGUF version {version} is not read, only 2 and 3.");
        var (tensors, entries) = (UInt64(), UInt64());
        Demand(entries <= (ulong)(Left / FewestEntryBytes), "The GGUF file is said to hold more entries than it has room for.");
        Demand(tensors <= (ulong)(Left / FewestTensorBytes), "The GGUF file is said to hold more tensors than it has room for.");
        var values = Entries((int)entries);
        var metadata = new GgufMetadata(values);
        var alignment = metadata.IntOrNull("general.alignment") ?? DefaultAlignmentBytes;
        Demand(alignment is > 0 and <= LargestAlignmentBytes && int.IsPow2(alignment), "The GGUF file's alignment is no power of two up to 2^20.");
        return (metadata, Place(Descriptions((int)tensors), alignment));
    }

    private Dictionary<string, object> Entries(int count)
    {
        var values = new Dictionary<string, object>(StringComparer.Ordinal);
        for (var i = 0; i < count; i++)
        {
            var key = Text(LargestNameBytes);
            Demand(values.TryAdd(key, Value((GgufValueType)UInt32(), key)), $"The GGUF file's entry '{key}' is there twice.");
        }

        return values;
    }

    private object Value(GgufValueType type, string key)
    {
        if (type == GgufValueType.Text)
        {
            return Text(Left);
        }

        if (type == GgufValueType.List)
        {
            return List(key);
        }

        var size = type.SizeBytes();
        Demand(size > 0, $"The GGUF file's entry '{key}' is of an unknown kind.");
        var number = new GgufNumbers(type, Bytes(size));
        return type switch
        {
            GgufValueType.Bool => number.Bytes[0] != 0,
            GgufValueType.Float32 or GgufValueType.Float64 => number[0],
            GgufValueType.UInt64 => BinaryPrimitives.ReadUInt64LittleEndian(number.Bytes),
            GgufValueType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(number.Bytes),
            _ => (long)number[0],
        };
    }

    private object List(string key)
    {
        var (type, count) = ((GgufValueType)UInt32(), UInt64());
        var size = type == GgufValueType.Text ? sizeof(ulong) : type.SizeBytes();
        Demand(size > 0, $"The GGUF file's entry '{key}' is a list of an unknown kind.");
        Demand(count <= (ulong)(Left / size) && (long)count * size <= Array.MaxLength, $"The GGUF file's entry '{key}' is said to be longer than the file.");
        if (type != GgufValueType.Text)
        {
            return new GgufNumbers(type, Bytes((int)count * size));
        }

        var texts = new string[count];
        for (var i = 0; i < texts.Length; i++)
        {
            texts[i] = Text(Left);
        }

        return texts;
    }

    private List<(string Name, long Columns, long Rows, GgufTensorType Type, ulong Offset)> Descriptions(int count)
    {
        var list = new List<(string, long, long, GgufTensorType, ulong)>();
        for (var i = 0; i < count; i++)
        {
            var name = Text(LargestNameBytes);
            var dimensions = UInt32();
            Demand(dimensions is >= 1 and <= MostDimensions, $"The GGUF tensor '{name}' has {dimensions} dimensions.");
            var (columns, rows) = (Size(name), 1L);
            for (var dimension = 1; dimension < dimensions; dimension++)
            {
                rows = checked(rows * Size(name));
            }

            var number = UInt32();
            var type = GgufTensorType.Find(number) ?? throw new ModelFormatException($"The GGUF tensor '{name}' is of the unknown type {number}.");
            list.Add((name, columns, rows, type, UInt64()));
        }

        return list;
    }

    private Dictionary<string, GgufTensor> Place(List<(string Name, long Columns, long Rows, GgufTensorType Type, ulong Offset)> descriptions, int alignment)
    {
        var start = (_position + alignment - 1) / alignment * alignment;
        var tensors = new Dictionary<string, GgufTensor>(StringComparer.Ordinal);
        var end = 0UL;
        foreach (var (name, columns, rows, type, offset) in descriptions.OrderBy(one => one.Offset))
        {
            Demand(columns % type.BlockElements == 0, $"A row of the GGUF tensor '{name}' is no whole number of blocks.");
            var bytes = (Int128)(columns / type.BlockElements) * type.BlockBytes * rows;
            Demand(offset % (ulong)alignment == 0, $"The GGUF tensor '{name}' is not aligned.");
            Demand(offset >= end, $"The GGUF tensor '{name}' overlaps another.");
            Demand(offset <= (ulong)lengthBytes && start + (Int128)offset + bytes <= lengthBytes, $"The GGUF tensor '{name}' lies outside the file.");
            end = offset + (ulong)bytes;
            Demand(tensors.TryAdd(name, new GgufTensor(name, columns, rows, type, start + (long)offset, (long)bytes)), $"The GGUF tensor '{name}' is there twice.");
        }

        return tensors;
    }

    private long Size(string name)
    {
        var size = UInt64();
        Demand(size is > 0 and <= uint.MaxValue, $"The GGUF tensor '{name}' has an impossible size.");
        return (long)size;
    }

    private string Text(long longest)
    {
        var length = UInt64();
        Demand(length <= (ulong)Math.Min(longest, Math.Min(Left, Array.MaxLength)), "A text of the GGUF file is said to be longer than there is room for.");
        return Strict.GetString(Bytes((int)length));
    }

    private uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4));

    private ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8));

    private byte[] Bytes(int count)
    {
        Demand(count <= Left, "The GGUF file ends within its header.");
        var bytes = new byte[count];
        stream.ReadExactly(bytes);
        _position += count;
        return bytes;
    }

    private static void Demand(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new ModelFormatException(otherwise);
        }
    }
}
