using System.Buffers.Binary;
using System.Text.Json;

namespace FederatedDpLlm.Models.Weights;

/// <summary>
/// A safetensors file: 8 bytes of header length, a JSON header, the data. Every length, offset, shape and type is checked against the file before anything
/// of that size is allocated. Reference: huggingface/safetensors, README "Format".
/// </summary>
internal sealed class SafetensorsFile : ITensorSource, IDisposable
{
    public const string FileName = "model.safetensors";
    private const int LargestHeaderBytes = 100_000_000;
    private const int PrefixBytes = 8;
    private readonly Dictionary<string, Entry> _entries;
    private readonly FileStream _file;
    private readonly long _dataStart;

    private SafetensorsFile(FileStream file, long dataStart, Dictionary<string, Entry> entries) => (_file, _dataStart, _entries) = (file, dataStart, entries);

    public IReadOnlyCollection<string> Names => _entries.Keys;

    /// <exception cref="ModelFormatException">The header lies about the file.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
        try
        {
            var header = ReadHeader(file);
            var dataStart = PrefixBytes + header.Length;
            return new SafetensorsFile(file, dataStart, ParseHeader(header, file.Length - dataStart));
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException or OverflowException or KeyNotFoundException)
        {
            file.Dispose();
            throw new ModelFormatException($"The safetensors header cannot be read: {(error is OverflowException ? "a tensor has an impossible shape." : error.Message)}", error);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public bool Contains(string name) => _entries.ContainsKey(name);

    public IReadOnlyList<long> ShapeOf(string name) => _entries[name].Shape;

    public ElementType TypeOf(string name) => Known(_entries[name], name);

    public void Read(string name, int rows, int columns, Span<float> destination)
    {
        var entry = Find(name, rows, columns);
        ReadElements(entry, Known(entry, name), destination);
    }

    /// <summary>A tensor of whatever shape, of which one dimension may be 1.</summary>
    public void ReadMatrix(string name, Span<float> destination) => ReadElements(_entries[name], Known(_entries[name], name), destination);

    public void ReadStored(string name, int rows, int columns, int firstRow, Span<byte> destination)
    {
        var entry = Find(name, rows, columns);
        var start = entry.Start + firstRow * Known(entry, name).RowBytes(columns);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(destination.Length, entry.End - start, nameof(destination));
        _file.Seek(_dataStart + start, SeekOrigin.Begin);
        _file.ReadExactly(destination);
    }

    public void Dispose() => _file.Dispose();

    private static byte[] ReadHeader(FileStream file)
    {
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        if (file.ReadAtLeast(prefix, PrefixBytes, throwOnEndOfStream: false) < PrefixBytes)
        {
            throw new ModelFormatException("The safetensors file ends within its first 8 bytes.");
        }

        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > LargestHeaderBytes || (long)length > file.Length - PrefixBytes)
        {
            throw new ModelFormatException("The safetensors header is said to be longer than the file or than 100 MB.");
        }

        var header = new byte[length];
        file.ReadExactly(header);
        return header;
    }

    private static Dictionary<string, Entry> ParseHeader(byte[] header, long dataBytes)
    {
        using var document = JsonDocument.Parse(header);
        var entries = new Dictionary<string, Entry>(StringComparer.Ordinal);
        foreach (var property in document.RootElement.EnumerateObject())
        {
            if (property.Name == "__metadata__")
            {
                continue;
            }

            if (!entries.TryAdd(property.Name, ParseEntry(property.Name, property.Value, dataBytes)))
            {
                throw new ModelFormatException($"The tensor '{property.Name}' is listed twice.");
            }
        }

        RefuseOverlaps(entries);
        return entries;
    }

    private static Entry ParseEntry(string name, JsonElement json, long dataBytes)
    {
        var type = json.GetProperty("dtype").GetString() ?? string.Empty;
        long[] shape = [.. json.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
        long[] offsets = [.. json.GetProperty("data_offsets").EnumerateArray().Select(offset => offset.GetInt64())];
        if (offsets is not [var start, var end] || start < 0 || end < start || end > dataBytes || shape.Any(size => size < 0) || shape.Length > 8)
        {
            throw new ModelFormatException($"The tensor '{name}' lies outside the file or has an impossible shape.");
        }

        var elements = shape.Aggregate(1L, (product, size) => checked(product * size));
        if (SizeBytes(type) is { } size && checked(elements * size) != end - start)
        {
            throw new ModelFormatException($"The tensor '{name}' has {end - start} bytes, its shape and type say {elements * size}.");
        }

        return new Entry(type, shape, start, end);
    }

    private static void RefuseOverlaps(Dictionary<string, Entry> entries)
    {
        var end = 0L;
        foreach (var (name, entry) in entries.OrderBy(pair => pair.Value.Start).ThenBy(pair => pair.Value.End))
        {
            if (entry.Start < end)
            {
                throw new ModelFormatException($"The tensor '{name}' overlaps another.");
            }

            end = entry.End;
        }
    }

    private static int? SizeBytes(string type) => type switch
    {
        "F64" or "I64" or "U64" => 8,
        "F32" or "I32" or "U32" => 4,
        "F16" or "BF16" or "I16" or "U16" => 2,
        "I8" or "U8" or "BOOL" => 1,
        _ => null,
    };

    private static ElementType Known(Entry entry, string name) => entry.Type switch
    {
        "F32" => ElementType.Float32,
        "F16" => ElementType.Float16,
        "BF16" => ElementType.BFloat16,
        _ => throw new ModelFormatException($"The tensor '{name}' is neither F32 nor F16 nor BF16."),
    };

    private Entry Find(string name, int rows, int columns)
    {
        if (!_entries.TryGetValue(name, out var entry))
        {
            throw new ModelFormatException($"The tensor '{name}' is missing.");
        }

        var fits = rows == 1 ? entry.Shape is [var only] && only == columns : entry.Shape is [var first, var second] && first == rows && second == columns;
        return fits
            ? entry
            : throw new ModelFormatException($"The tensor '{name}' has the shape [{string.Join(", ", entry.Shape)}], expected was {(rows == 1 ? $"[{columns}]" : $"[{rows}, {columns}]")}.");
    }

    private void ReadElements(Entry entry, ElementType type, Span<float> destination)
    {
        var size = type.BlockBytes();
        var buffer = new byte[Math.Min(1 << 20, entry.End - entry.Start)];
        for (var (at, done) = (entry.Start, 0); at < entry.End;)
        {
            var count = (int)Math.Min(buffer.Length, entry.End - at);
            _file.Seek(_dataStart + at, SeekOrigin.Begin);
            _file.ReadExactly(buffer.AsSpan(0, count));
            ElementConversion.Widen(buffer.AsSpan(0, count), type, destination.Slice(done, count / size));
            (at, done) = (at + count, done + count / size);
        }
    }

    private sealed record Entry(string Type, IReadOnlyList<long> Shape, long Start, long End);
}
