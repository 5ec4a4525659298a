using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Tokenization;
using Microsoft.Win32.SafeHandles;

namespace FederatedDpLlm.Models.Weights.Gguf;

/// <summary>A GGUF model file: its shape, its tokenizer, and its tensors under Hugging Face's names with rotary pairs half-split.</summary>
internal sealed class GgufFile : ITensorSource, IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly IReadOnlyDictionary<string, GgufTensor> _tensors;
    private readonly string _architecture;
    private ModelConfiguration? _configuration;

    private GgufFile(SafeFileHandle file, GgufMetadata metadata, IReadOnlyDictionary<string, GgufTensor> tensors)
    {
        (_file, Metadata, _tensors) = (file, metadata, tensors);
        _architecture = metadata.TextOrNull("general.architecture") ?? string.Empty;
    }

    public GgufMetadata Metadata { get; }

    public IEnumerable<GgufTensor> Tensors => _tensors.Values;

    /// <summary>The model's shape.</summary>
    /// <exception cref="ModelFormatException">The file holds no model of the family.</exception>
    public ModelConfiguration Configuration => _configuration ??= GgufConfiguration.Read(Metadata, _tensors, ReadFloats);

    /// <exception cref="ModelFormatException">The file is no GGUF, or its header lies.</exception>
    public static GgufFile Open(string path)
    {
        var file = File.OpenHandle(path, options: FileOptions.RandomAccess);
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
            var (metadata, tensors) = new GgufHeaderReader(stream, stream.Length).Read();
            return new GgufFile(file, metadata, tensors);
        }
        catch (Exception error) when (error is OverflowException or ArgumentException or EndOfStreamException)
        {
            file.Dispose();
            throw new ModelFormatException($"The GGUF header cannot be read: {error.Message}", error);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Whether a file begins as GGUF does.</summary>
    public static bool IsGguf(string path)
    {
        Span<byte> magic = stackalloc byte[4];
        using var file = File.OpenHandle(path);
        return RandomAccess.Read(file, magic, 0) == 4 && magic.SequenceEqual("GGUF"u8);
    }

    public ITokenizer Tokenizer() => GgufTokenizer.Read(Metadata);

    public bool Contains(string name) => GgufNames.Of(name) is { } gguf && _tensors.ContainsKey(gguf);

    public ElementType TypeOf(string name) => Known(Find(name));

    public void Read(string name, int rows, int columns, Span<float> destination)
    {
        var type = Known(Find(name, rows, columns));
        var rowBytes = (int)type.RowBytes(columns);
        var together = Math.Clamp((1 << 20) / rowBytes, 1, rows);
        var stored = new byte[checked(together * rowBytes)];
        for (var row = 0; row < rows; row += together)
        {
            var count = Math.Min(together, rows - row);
            var part = stored.AsSpan(0, count * rowBytes);
            ReadStored(name, rows, columns, row, part);
            ElementConversion.Widen(part, type, destination.Slice(row * columns, count * columns));
        }
    }

    public void ReadStored(string name, int rows, int columns, int firstRow, Span<byte> destination)
    {
        var tensor = Find(name, rows, columns);
        if (!GgufConfiguration.HasAdjacentPairs(_architecture) || !GgufNames.IsRotated(name))
        {
            ReadAt(tensor.Start + firstRow * tensor.Type.RowBytes(columns), destination);
            return;
        }

        if (rows == 1)
        {
            ReadRotatedBias(tensor, destination);
            return;
        }

        var rowBytes = (int)tensor.Type.RowBytes(columns);
        for (var row = firstRow; destination.Length > 0; row++, destination = destination[rowBytes..])
        {
            ReadAt(tensor.Start + (long)RotaryLayout.AdjacentRow(row, Configuration.HeadSize) * rowBytes, destination[..rowBytes]);
        }
    }

    public void Dispose() => _file.Dispose();

    /// <summary>Any tensor by GGUF's own name, widened.</summary>
    public float[] ReadFloats(GgufTensor tensor)
    {
        var values = new float[checked(tensor.Columns * tensor.Rows)];
        var stored = new byte[tensor.Bytes];
        ReadAt(tensor.Start, stored);
        ElementConversion.Widen(stored, Known(tensor), values);
        return values;
    }

    private void ReadRotatedBias(GgufTensor tensor, Span<byte> destination)
    {
        var stored = new byte[destination.Length];
        ReadAt(tensor.Start, stored);
        var size = tensor.Type.BlockBytes;
        for (var row = 0; row < tensor.Columns; row++)
        {
            stored.AsSpan(RotaryLayout.AdjacentRow(row, Configuration.HeadSize) * size, size).CopyTo(destination[(row * size)..]);
        }
    }

    private GgufTensor Find(string name) =>
        GgufNames.Of(name) is { } gguf && _tensors.TryGetValue(gguf, out var tensor) ? tensor : throw new ModelFormatException($"The tensor '{name}' is missing from the GGUF file.");

    private GgufTensor Find(string name, int rows, int columns)
    {
        var tensor = Find(name);
        return tensor.Columns == columns && tensor.Rows == rows
            ? tensor
            : throw new ModelFormatException($"The tensor '{name}' has the shape [{tensor.Rows}, {tensor.Columns}] in the GGUF file, expected was [{rows}, {columns}].");
    }

    private static ElementType Known(GgufTensor tensor) =>
        tensor.Type.Element ?? throw new ModelFormatException($"The GGUF tensor '{tensor.Name}' is stored as {tensor.Type.Name}, which is not read.");

    private void ReadAt(long start, Span<byte> destination)
    {
        for (var done = 0; done < destination.Length;)
        {
            var count = RandomAccess.Read(_file, destination[done..], start + done);
            if (count == 0)
            {
                throw new ModelFormatException("The GGUF file became shorter while it was read.");
            }

            done += count;
        }
    }
}
