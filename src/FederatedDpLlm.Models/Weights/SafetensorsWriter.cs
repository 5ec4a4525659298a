using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Weights;

/// <summary>Writes safetensors: the same tensors give the same bytes. A file takes its name only when it is whole.</summary>
internal static class SafetensorsWriter
{
    private const int AlignmentBytes = 8;

    public static void Write(string path, IReadOnlyList<NamedTensor> tensors, ElementType type, IReadOnlyDictionary<string, string>? metadata = null) =>
        WholeFile.Write(path, file =>
        {
            WriteHeader(file, Header([.. tensors.Select(tensor => (tensor.Name, tensor.Shape))], type, metadata));
            foreach (var tensor in tensors)
            {
                WriteElements(file, tensor.Values.Span, type);
            }
        });

    /// <summary>Writes a whole model, one tensor in memory at a time.</summary>
    public static void Write(
        string path, ModelConfiguration shape, ITensorSource source, ElementType type, IProgress<(int Done, int All)>? progress, CancellationToken cancellationToken) =>
        WholeFile.Write(path, file =>
        {
            var tensors = TensorShape.Of(shape).ToList();
            WriteHeader(file, Header([.. tensors.Select(tensor => (tensor.Name, tensor.Dimensions))], type, null));
            for (var i = 0; i < tensors.Count; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var values = new float[tensors[i].Elements];
                source.Read(tensors[i].Name, tensors[i].Rows, tensors[i].Columns, values);
                WriteElements(file, values, type);
                progress?.Report((i + 1, tensors.Count));
            }
        });

    private static string Header(IReadOnlyList<(string Name, IReadOnlyList<int> Shape)> tensors, ElementType type, IReadOnlyDictionary<string, string>? metadata)
    {
        var header = new JsonObject();
        if (metadata is not null)
        {
            header["__metadata__"] = new JsonObject(metadata.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value)));
        }

        long offset = 0;
        foreach (var (name, shape) in tensors)
        {
            var end = offset + shape.Aggregate(1L, (product, size) => product * size) * type.BlockBytes();
            header[name] = new JsonObject
            {
                ["dtype"] = NameOf(type),
                ["shape"] = new JsonArray([.. shape.Select(size => (JsonNode)size)]),
                ["data_offsets"] = new JsonArray(offset, end),
            };
            offset = end;
        }

        return header.ToJsonString();
    }

    private static void WriteElements(FileStream file, ReadOnlySpan<float> values, ElementType type)
    {
        const int Together = 1 << 18;
        var bytes = new byte[Math.Min(Together, values.Length) * type.BlockBytes()];
        for (; values.Length > 0; values = values[Math.Min(Together, values.Length)..])
        {
            var part = values[..Math.Min(Together, values.Length)];
            ElementConversion.Narrow(part, type, bytes);
            file.Write(bytes.AsSpan(0, part.Length * type.BlockBytes()));
        }
    }

    private static void WriteHeader(FileStream file, string json)
    {
        // Spaces after the header keep the data aligned, as the format asks.
        var padded = json.PadRight((Encoding.UTF8.GetByteCount(json) + AlignmentBytes - 1) / AlignmentBytes * AlignmentBytes - Encoding.UTF8.GetByteCount(json) + json.Length);
        var bytes = Encoding.UTF8.GetBytes(padded);
        Span<byte> prefix = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)bytes.Length);
        file.Write(prefix);
        file.Write(bytes);
    }

    private static string NameOf(ElementType type) => type switch
    {
        ElementType.Float32 => "F32",
        ElementType.Float16 => "F16",
        _ => "BF16",
    };
}
