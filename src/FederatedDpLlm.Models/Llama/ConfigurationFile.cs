using System.Text.Json;
using System.Text.Json.Nodes;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Llama;

/// <summary>Reads and writes Hugging Face's <c>config.json</c>.</summary>
public static class ConfigurationFile
{
    /// <summary>The name of the file in a model's folder.</summary>
    public const string FileName = "config.json";

    private const string Mistral = "mistral";

    // Of Mistral's configuration class where the file says nothing.
    private const int MistralWindow = 4096;
    private static readonly string[] KnownTypes = ["llama", Mistral, "qwen2", "qwen3"];
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Reads a configuration.</summary>
    /// <exception cref="ModelFormatException">The file is malformed, or the model is of another family.</exception>
    public static ModelConfiguration Read(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return Parse(document.RootElement);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw new ModelFormatException($"'{Path.GetFileName(path)}' is not a model configuration: {error.Message}", error);
        }
    }

    /// <summary>Writes a configuration that <see cref="Read"/> and Hugging Face's loaders understand.</summary>
    public static void Write(string path, ModelConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var json = new JsonObject
        {
            ["architectures"] = new JsonArray(ArchitectureOf(configuration.ModelType)),
            ["model_type"] = configuration.ModelType,
            ["hidden_size"] = configuration.Width,
            ["intermediate_size"] = configuration.FeedForwardWidth,
            ["num_hidden_layers"] = configuration.Layers,
            ["num_attention_heads"] = configuration.Heads,
            ["num_key_value_heads"] = configuration.KeyValueHeads,
            ["head_dim"] = configuration.HeadSize,
            ["vocab_size"] = configuration.Vocabulary,
            ["max_position_embeddings"] = configuration.Context,
            ["rms_norm_eps"] = configuration.NormEpsilon,
            ["rope_theta"] = configuration.RotaryTheta,
            ["rope_scaling"] = ScalingOf(configuration.RotaryScaling),
            ["tie_word_embeddings"] = configuration.TiedHead,
            ["attention_bias"] = configuration.AttentionBias,
            ["hidden_act"] = "silu",
            ["bos_token_id"] = configuration.BeginToken,
            ["eos_token_id"] = configuration.EndTokens.Count == 1 ? configuration.EndTokens[0] : new JsonArray([.. configuration.EndTokens.Select(token => (JsonNode)token)]),
            ["torch_dtype"] = "float32",
        };
        if (configuration.ModelType == Mistral)
        {
            json["sliding_window"] = null;
        }

        File.WriteAllText(path, json.ToJsonString(Indented) + "\n");
    }

    private static ModelConfiguration Parse(JsonElement json)
    {
        var type = json.GetProperty("model_type").GetString() ?? string.Empty;
        if (!KnownTypes.Contains(type))
        {
            throw new ModelFormatException($"The model type is not one of {string.Join(", ", KnownTypes)}.");
        }

        if (json.TryGetProperty("hidden_act", out var activation) && activation.GetString() is not ("silu" or "swish"))
        {
            throw new ModelFormatException("The activation is not silu.");
        }

        var width = json.GetProperty("hidden_size").GetInt32();
        var heads = json.GetProperty("num_attention_heads").GetInt32();
        var rotary = Optional(json, "rope_parameters") ?? Optional(json, "rope_scaling");
        return new ModelConfiguration
        {
            ModelType = type,
            Width = width,
            FeedForwardWidth = json.GetProperty("intermediate_size").GetInt32(),
            Layers = json.GetProperty("num_hidden_layers").GetInt32(),
            Heads = heads,
            KeyValueHeads = Optional(json, "num_key_value_heads")?.GetInt32() ?? heads,
            HeadSize = Optional(json, "head_dim")?.GetInt32() ?? (heads > 0 ? width / heads : 0),
            Vocabulary = json.GetProperty("vocab_size").GetInt32(),
            Context = Math.Min(Optional(json, "max_position_embeddings")?.GetInt32() ?? 2048, Window(json, type)),
            NormEpsilon = Optional(json, "rms_norm_eps")?.GetDouble() ?? 1e-6,
            RotaryTheta = Optional(json, "rope_theta")?.GetDouble() ?? (rotary is { } inside ? Optional(inside, "rope_theta")?.GetDouble() : null) ?? 10_000,
            RotaryScaling = Scaling(rotary),
            TiedHead = Optional(json, "tie_word_embeddings")?.GetBoolean() ?? false,
            AttentionBias = Optional(json, "attention_bias")?.GetBoolean() ?? type == "qwen2",
            QueryKeyNorm = type == "qwen3",
            BeginToken = Optional(json, "bos_token_id")?.GetInt32(),
            EndTokens = Tokens(Optional(json, "eos_token_id")),
        }.Checked();
    }

    // Every token sees all before it here: as far as a sliding window reaches that is the same, so a model with one is read with a context of that length.
    private static int Window(JsonElement json, string type)
    {
        var slides = Optional(json, "use_sliding_window")?.GetBoolean() ?? type == Mistral;
        return slides ? (json.TryGetProperty("sliding_window", out _) ? Optional(json, "sliding_window")?.GetInt32() : MistralWindow) ?? int.MaxValue : int.MaxValue;
    }

    private static RotaryScaling Scaling(JsonElement? given)
    {
        if (given is not { } json)
        {
            return RotaryScaling.None;
        }

        var kind = (Optional(json, "rope_type") ?? Optional(json, "type"))?.GetString() ?? "default";
        return kind switch
        {
            "default" => RotaryScaling.None,
            "linear" => new RotaryScaling(RotaryScalingKind.Linear, json.GetProperty("factor").GetDouble(), 1, 1, 0),
            "llama3" => new RotaryScaling(
                RotaryScalingKind.Llama3,
                json.GetProperty("factor").GetDouble(),
                json.GetProperty("low_freq_factor").GetDouble(),
                json.GetProperty("high_freq_factor").GetDouble(),
                json.GetProperty("original_max_position_embeddings").GetInt32()),
            _ => throw new ModelFormatException("The rotary scaling is neither linear nor llama3."),
        };
    }

    private static JsonObject? ScalingOf(RotaryScaling scaling) => scaling.Kind switch
    {
        RotaryScalingKind.Linear => new JsonObject { ["rope_type"] = "linear", ["factor"] = scaling.Factor },
        RotaryScalingKind.Llama3 => new JsonObject
        {
            ["rope_type"] = "llama3",
            ["factor"] = scaling.Factor,
            ["low_freq_factor"] = scaling.LowFrequencyFactor,
            ["high_freq_factor"] = scaling.HighFrequencyFactor,
            ["original_max_position_embeddings"] = scaling.OriginalContext,
        },
        _ => null,
    };

    private static string ArchitectureOf(string type) => type switch
    {
        Mistral => "MistralForCausalLM",
        "qwen2" => "Qwen2ForCausalLM",
        "qwen3" => "Qwen3ForCausalLM",
        _ => "LlamaForCausalLM",
    };

    private static int[] Tokens(JsonElement? json) => json switch
    {
        null => [],
        { ValueKind: JsonValueKind.Array } list => [.. list.EnumerateArray().Select(token => token.GetInt32())],
        { } one => [one.GetInt32()],
    };

    private static JsonElement? Optional(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
