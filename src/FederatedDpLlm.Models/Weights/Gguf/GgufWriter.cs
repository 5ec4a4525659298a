using System.Buffers.Binary;
using System.Text;

namespace FederatedDpLlm.Models.Weights.Gguf;

/// <summary>A tensor to write.</summary>
/// <param name="Name">GGUF's name.</param>
/// <param name="Rows">1 for a vector.</param>
/// <param name="Columns">Elements of a row.</param>
/// <param name="Type">How it is stored.</param>
/// <param name="Read">Gives its values, row-major.</param>
internal sealed record GgufOutput(string Name, int Rows, int Columns, ElementType Type, Func<float[]> Read);

/// <summary>Writes GGUF version 3: the same content gives the same bytes. The file takes its name only when it is whole.</summary>
internal static class GgufWriter
{
    private const int AlignmentBytes = 32;

    public static void Write(
        string path, IReadOnlyList<(string Key, object Value)> metadata, IReadOnlyList<GgufOutput> tensors, IProgress<(int Done, int All)>? progress, CancellationToken cancellationToken) =>
        WholeFile.Write(path, file =>
        {
            WriteHeader(file, metadata, tensors);
            for (var i = 0; i < tensors.Count; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Pad(file);
                WriteTensor(file, tensors[i]);
                progress?.Report((i + 1, tensors.Count));
            }
        });

    private static void WriteHeader(FileStream file, IReadOnlyList<(string Key, object Value)> metadata, IReadOnlyList<GgufOutput> tensors)
    {
        using var header = new BinaryWriter(file, Encoding.UTF8, leaveOpen: true);
        header.Write("GGUF"u8);
        header.Write(3u);
        header.Write((ulong)tensors.Count);
        header.Write((ulong)metadata.Count);
        foreach (var (key, value) in metadata)
        {
            WriteText(header, key);
            WriteValue(header, value);
        }

        var offset = 0L;
        foreach (var tensor in tensors)
        {
            WriteText(header, tensor.Name);
            int[] sizes = tensor.Rows == 1 ? [tensor.Columns] : [tensor.Columns, tensor.Rows];
            header.Write((uint)sizes.Length);
            Array.ForEach(sizes, size => header.Write((ulong)size));
            header.Write(GgufTensorType.Of(tensor.Type).Number);
            header.Write((ulong)offset);
            offset = Aligned(offset + tensor.Rows * tensor.Type.RowBytes(tensor.Columns));
        }
    }

    private static void WriteTensor(FileStream file, GgufOutput tensor)
    {
        var values = tensor.Read();
        var bytes = new byte[tensor.Type.RowBytes(tensor.Columns)];
        for (var row = 0; row < tensor.Rows; row++)
        {
            ElementConversion.Narrow(values.AsSpan(row * tensor.Columns, tensor.Columns), tensor.Type, bytes);
            file.Write(bytes);
        }
    }

    private static void WriteValue(BinaryWriter header, object value)
    {
        switch (value)
        {
            case uint number: Kind(GgufValueType.UInt32); header.Write(number); break;
            case float number: Kind(GgufValueType.Float32); header.Write(number); break;
            case bool flag: Kind(GgufValueType.Bool); header.Write(flag); break;
            case string text: Kind(GgufValueType.Text); WriteText(header, text); break;
            case string[] texts: List(GgufValueType.Text, texts.Length); Array.ForEach(texts, text => WriteText(header, text)); break;
            case int[] numbers: List(GgufValueType.Int32, numbers.Length); Array.ForEach(numbers, header.Write); break;
            case float[] numbers: List(GgufValueType.Float32, numbers.Length); Array.ForEach(numbers, header.Write); break;
            default: throw new ArgumentException($"A value of {value.GetType()} is not written.", nameof(value));
        }

        void Kind(GgufValueType type) => header.Write((uint)type);

        void List(GgufValueType type, int count)
        {
            Kind(GgufValueType.List);
            Kind(type);
            header.Write((ulong)count);
        }
    }

    private static void WriteText(BinaryWriter header, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)bytes.Length);
        header.Write(length);
        header.Write(bytes);
    }

    private static void Pad(FileStream file) => file.Write(new byte[Aligned(file.Position) - file.Position]);

    private static long Aligned(long position) => (position + AlignmentBytes - 1) / AlignmentBytes * AlignmentBytes;
}
