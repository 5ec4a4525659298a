using System.Text.Json;
using System.Text.Json.Nodes;

namespace FederatedDpLlm.Models.Weights.Adapters;

/// <summary>
/// Adapters as PEFT keeps them and vLLM loads them: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>. Reference: huggingface/peft,
/// src/peft/tuners/lora/config.py and utils/save_and_load.py.
/// </summary>
internal static class PeftAdapter
{
    public const string ConfigurationName = "adapter_config.json";
    public const string WeightsName = "adapter_model.safetensors";
    private const string Prefix = "base_model.model.";
    private const string SuffixA = ".lora_A.weight";
    private const string SuffixB = ".lora_B.weight";
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static LoraAdapter Read(string folder)
    {
        var (rank, alpha) = ReadConfiguration(Path.Combine(folder, ConfigurationName));
        using var file = SafetensorsFile.Open(Path.Combine(folder, WeightsName));
        var modules = new List<LoraModule>();
        foreach (var name in file.Names.Order(StringComparer.Ordinal))
        {
            if (name.EndsWith(SuffixB, StringComparison.Ordinal) && file.Names.Contains(name[..^SuffixB.Length] + SuffixA))
            {
                continue;
            }

            if (!name.StartsWith(Prefix, StringComparison.Ordinal) || !name.EndsWith(SuffixA, StringComparison.Ordinal))
            {
                throw new ModelFormatException($"The adapter holds '{name}', which is no factor of a linear map.");
            }

            modules.Add(ReadModule(file, name[Prefix.Length..^SuffixA.Length], rank));
        }

        return new LoraAdapter(rank, alpha, modules);
    }

    /// <param name="folder">Created where it is missing.</param>
    /// <param name="adapter">What to write.</param>
    /// <param name="baseModel">The name or path of the model that it belongs to.</param>
    public static void Write(string folder, LoraAdapter adapter, string baseModel)
    {
        Directory.CreateDirectory(folder);
        SafetensorsWriter.Write(
            Path.Combine(folder, WeightsName),
            [
                .. adapter.Modules.SelectMany(module => new NamedTensor[]
                {
                    new(Prefix + Module(module.Matrix) + SuffixA, [adapter.Rank, module.Inputs], module.A),
                    new(Prefix + Module(module.Matrix) + SuffixB, [module.Outputs, adapter.Rank], module.B),
                }),
            ],
            ElementType.Float32,
            new Dictionary<string, string> { ["format"] = "pt" });
        var json = new JsonObject
        {
            ["peft_type"] = "LORA",
            ["task_type"] = "CAUSAL_LM",
            ["base_model_name_or_path"] = baseModel,
            ["r"] = adapter.Rank,
            ["lora_alpha"] = adapter.Alpha,
            ["lora_dropout"] = 0.0,
            ["bias"] = "none",
            ["fan_in_fan_out"] = false,
            ["inference_mode"] = true,
            ["target_modules"] = new JsonArray([.. adapter.Matrices.Select(matrix => Module(matrix).Split('.')[^1]).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Select(name => (JsonNode)name)]),
        };
        File.WriteAllText(Path.Combine(folder, ConfigurationName), json.ToJsonString(Indented) + "\n");
    }

    private static string Module(string matrix) => matrix[..^".weight".Length];

    private static LoraModule ReadModule(SafetensorsFile file, string module, int rank)
    {
        var (nameA, nameB) = (Prefix + module + SuffixA, Prefix + module + SuffixB);
        if (!file.Contains(nameB) || file.ShapeOf(nameA) is not [_, var inputs] || file.ShapeOf(nameB) is not [var outputs, _] || Math.Max(inputs, outputs) * rank > Array.MaxLength)
        {
            throw new ModelFormatException($"The adapter's factors of '{module}' do not fit together.");
        }

        return new LoraModule(module + ".weight", (int)outputs, (int)inputs, Values(file, nameA, rank, (int)inputs), Values(file, nameB, (int)outputs, rank));
    }

    private static float[] Values(SafetensorsFile file, string name, int rows, int columns)
    {
        if (file.ShapeOf(name) is not [var first, var second] || first != rows || second != columns)
        {
            throw new ModelFormatException($"The adapter's factor '{name}' has not the shape [{rows}, {columns}].");
        }

        var values = new float[rows * columns];
        file.ReadMatrix(name, values);
        return values;
    }

    private static (int Rank, double Alpha) ReadConfiguration(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            var json = document.RootElement;
            if (json.GetProperty("peft_type").GetString() != "LORA")
            {
                throw new ModelFormatException("The adapter is not of PEFT's type LORA.");
            }

            if (Is(json, "use_dora") || Is(json, "fan_in_fan_out") || IsFilled(json, "rank_pattern") || IsFilled(json, "alpha_pattern") || IsFilled(json, "modules_to_save")
                || (json.TryGetProperty("bias", out var bias) && bias.GetString() is not (null or "none")))
            {
                throw new ModelFormatException("The adapter uses DoRA, transposed layers, patterns, biases or saved modules, which are not read.");
            }

            var (rank, alpha) = (json.GetProperty("r").GetInt32(), json.GetProperty("lora_alpha").GetDouble());

            // Rank-stabilised scaling is alpha / sqrt(rank) (Kalajdzievski 2023, arXiv 2312.03732).
            return (rank, Is(json, "use_rslora") ? alpha * Math.Sqrt(rank) : alpha);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw new ModelFormatException($"'{ConfigurationName}' cannot be read: {error.Message}", error);
        }
    }

    private static bool Is(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;

    private static bool IsFilled(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().Any(),
        JsonValueKind.Array => value.GetArrayLength() > 0,
        _ => false,
    };
}
