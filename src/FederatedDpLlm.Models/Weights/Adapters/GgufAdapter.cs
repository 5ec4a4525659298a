using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Weights.Gguf;

namespace FederatedDpLlm.Models.Weights.Adapters;

/// <summary>Adapters as llama.cpp loads them. Reference: ggml-org/llama.cpp, convert_lora_to_gguf.py and src/llama-adapter.cpp.</summary>
internal static class GgufAdapter
{
    private const string SuffixA = ".weight.lora_a";
    private const string SuffixB = ".weight.lora_b";
    private const string AlphaKey = "adapter.lora.alpha";
    private const string HeadSizeKey = "fedllm.adapter.head_size";

    /// <remarks>
    /// Query and key factors of the llama architecture have their rows in pairs; how many rows a head has stands in the base model. It is written along, and
    /// read from <paramref name="headSize"/> where another program wrote the file.
    /// </remarks>
    /// <param name="path">The file.</param>
    /// <param name="headSize">The base model's, where the file does not say it.</param>
    public static LoraAdapter Read(string path, int? headSize = null)
    {
        using var file = GgufFile.Open(path);
        if (file.Metadata.TextOrNull("general.type") != "adapter" || file.Metadata.TextOrNull("adapter.type") != "lora")
        {
            throw new ModelFormatException("The GGUF file is no LoRA adapter.");
        }

        var alpha = file.Metadata.NumberOrNull(AlphaKey) ?? throw new ModelFormatException($"The GGUF file lacks the entry '{AlphaKey}'.");
        var pairs = GgufConfiguration.HasAdjacentPairs(file.Metadata.Text("general.architecture"));
        var size = pairs ? file.Metadata.IntOrNull(HeadSizeKey) ?? headSize : null;
        var tensors = file.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        var modules = new List<LoraModule>();
        foreach (var tensor in file.Tensors.OrderBy(tensor => tensor.Name, StringComparer.Ordinal))
        {
            if (tensor.Name.EndsWith(SuffixB, StringComparison.Ordinal) && tensors.ContainsKey(tensor.Name[..^SuffixB.Length] + SuffixA))
            {
                continue;
            }

            var module = tensor.Name.EndsWith(SuffixA, StringComparison.Ordinal) ? GgufNames.ModuleOf(tensor.Name[..^SuffixA.Length]) : null;
            if (module is null || !tensors.TryGetValue(tensor.Name[..^SuffixA.Length] + SuffixB, out var b) || b.Columns != tensor.Rows)
            {
                throw new ModelFormatException($"The GGUF adapter holds '{tensor.Name}', which is no factor of a linear map, or lacks its other one.");
            }

            var factor = file.ReadFloats(b);
            if (pairs && GgufNames.IsRotated(module + ".weight"))
            {
                var rows = size is > 0 and var given && given % 2 == 0 && b.Rows % given == 0 ? given : throw new ModelFormatException("The size of the heads that the GGUF adapter changes is not known.");
                RotaryLayout.ToHalfSplit(factor, rows, (int)b.Columns);
            }

            modules.Add(new LoraModule(module + ".weight", checked((int)b.Rows), checked((int)tensor.Columns), file.ReadFloats(tensor), factor));
        }

        return new LoraAdapter(modules.Count > 0 ? modules[0].A.Length / modules[0].Inputs : 0, alpha, modules);
    }

    /// <param name="path">The file; replaced when the new one is whole.</param>
    /// <param name="adapter">What to write.</param>
    /// <param name="shape">The base model's.</param>
    /// <param name="cancellationToken">Leaves no file.</param>
    public static void Write(string path, LoraAdapter adapter, ModelConfiguration shape, CancellationToken cancellationToken)
    {
        var architecture = GgufConfiguration.ArchitectureOf(shape);
        GgufWriter.Write(
            path,
            [
                ("general.architecture", architecture), ("general.type", "adapter"), ("adapter.type", "lora"), (AlphaKey, (float)adapter.Alpha),
                (HeadSizeKey, (uint)shape.HeadSize),
            ],
            [.. adapter.Modules.SelectMany(module => Factors(adapter.Rank, module, GgufConfiguration.HasAdjacentPairs(architecture) ? shape.HeadSize : null))],
            null,
            cancellationToken);
    }

    private static IEnumerable<GgufOutput> Factors(int rank, LoraModule module, int? headSize)
    {
        var name = GgufNames.Of(module.Matrix) ?? throw new ModelFormatException($"GGUF has no name for '{module.Matrix}'.");
        yield return new GgufOutput(name + ".lora_a", rank, module.Inputs, ElementType.Float32, () => module.A);
        yield return new GgufOutput(name + ".lora_b", module.Outputs, rank, ElementType.Float32, () =>
        {
            var factor = (float[])module.B.Clone();
            if (headSize is { } size && GgufNames.IsRotated(module.Matrix))
            {
                RotaryLayout.ToAdjacent(factor, size, rank);
            }

            return factor;
        });
    }
}
