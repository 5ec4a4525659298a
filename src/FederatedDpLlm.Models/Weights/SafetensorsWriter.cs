using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;

namespace FederatedDpLlm.Models.Weights;

/// <summary>Writes safetensors: the same tensors give the same bytes.</summary>
internal static class SafetensorsWriter
{
    private const int AlignmentBytes = 8;

    public static void Write(string path, IReadOnlyList<NamedTensor> tensors, ElementType type, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var header = new JsonObject();
        if (metadata is not null)
        {
            header["__metadata__"] = new JsonObject(metadata.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value)));
        }

        long offset = 0;
        foreach (var tensor in tensors)
        {
            var end = offset + (long)tensor.Values.Length * type.BlockBytes();
            header[tensor.Name] = new JsonObject
            {
                ["dtype"] = NameOf(type),
                ["shape"] = new JsonArray([.. tensor.Shape.Select(size => (JsonNode)size)]),
                ["data_offsets"] = new JsonArray(offset, end),
            };
            offset = end;
        }

        using var file = File.Create(path);
        WriteHeader(file, header.ToJsonString());
        foreach (var tensor in tensors)
        {
            var bytes = new byte[tensor.Values.Length * type.BlockBytes()];
            ElementConversion.Narrow(tensor.Values.Span, type, bytes);
            file.Write(bytes);
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
