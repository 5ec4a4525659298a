using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Tokenization;

namespace FederatedDpLlm.Models.Weights.Gguf;

/// <summary>Writes a whole model as GGUF, for llama.cpp and whatever reads its files: matrices in one type, vectors as floats.</summary>
internal static class GgufModelWriter
{
    private const uint QuantizationVersion = 2;

    /// <param name="path">The file.</param>
    /// <param name="name">The model's name.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="source">Its tensors.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="type">Float32, Float16, BFloat16, Q8_0 or Q4_0; a matrix whose rows are no whole number of blocks stays Float32.</param>
    /// <param name="progress">Tensors written.</param>
    /// <param name="cancellationToken">Leaves no file.</param>
    public static void Write(
        string path, string name, ModelConfiguration shape, ITensorSource source, ITokenizer tokenizer, ElementType type,
        IProgress<(int Done, int All)>? progress, CancellationToken cancellationToken)
    {
        var metadata = new List<(string, object)>
        {
            ("general.architecture", GgufConfiguration.ArchitectureOf(shape)),
            ("general.name", name),
            ("general.quantization_version", QuantizationVersion),
            ("general.file_type", FileType(type)),
        };
        metadata.AddRange(GgufConfiguration.Write(shape));
        metadata.AddRange(GgufTokenizer.Write(tokenizer, shape.Vocabulary));
        GgufWriter.Write(path, metadata, [.. Tensors(shape, source, type)], progress, cancellationToken);
    }

    private static IEnumerable<GgufOutput> Tensors(ModelConfiguration shape, ITensorSource source, ElementType type)
    {
        foreach (var tensor in TensorShape.Of(shape))
        {
            var stored = tensor.IsVector || tensor.Columns % type.BlockElements() != 0 ? ElementType.Float32 : type;
            yield return new GgufOutput(GgufNames.Of(tensor.Name)!, tensor.Rows, tensor.Columns, stored, () => Read(shape, source, tensor));
        }

        if (GgufConfiguration.Divisors(shape) is { } divisors)
        {
            yield return new GgufOutput(GgufNames.RotaryDivisors, 1, divisors.Length, ElementType.Float32, () => divisors);
        }
    }

    private static float[] Read(ModelConfiguration shape, ITensorSource source, TensorShape tensor)
    {
        var values = new float[tensor.Elements];
        source.Read(tensor.Name, tensor.Rows, tensor.Columns, values);
        if (GgufConfiguration.HasAdjacentPairs(GgufConfiguration.ArchitectureOf(shape)) && GgufNames.IsRotated(tensor.Name))
        {
            RotaryLayout.ToAdjacent(values, shape.HeadSize, tensor.IsVector ? 1 : tensor.Columns);
        }

        return values;
    }

    // llama.h, enum llama_ftype.
    private static uint FileType(ElementType type) => type switch
    {
        ElementType.Float32 => 0,
        ElementType.Float16 => 1,
        ElementType.Q4_0 => 2,
        ElementType.Q8_0 => 7,
        ElementType.BFloat16 => 32,
        _ => throw new ModelFormatException($"{type} is read but not written."),
    };
}
