using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Weights.Gguf;

/// <summary>A model's shape in GGUF's metadata. Reference: ggml-org/ggml, docs/gguf.md, and ggml-org/llama.cpp, conversion/llama.py and qwen.py.</summary>
internal static class GgufConfiguration
{
    // The two published settings of Llama 3's scaling; a file holds only the divisors that follow from them.
    private static readonly RotaryScaling[] PublishedScalings =
    [
        new(RotaryScalingKind.Llama3, 8, 1, 4, 8192),
        new(RotaryScalingKind.Llama3, 32, 1, 4, 8192),
    ];

    /// <summary>Of the architectures that are read: <c>llama</c> also holds Mistral and SmolLM2, with rotary pairs adjacent.</summary>
    public static bool HasAdjacentPairs(string architecture) => architecture == "llama";

    public static string ArchitectureOf(ModelConfiguration shape) => shape.ModelType is "qwen2" or "qwen3" ? shape.ModelType : "llama";

    /// <exception cref="ModelFormatException">The model is of another family, or an entry is missing.</exception>
    public static ModelConfiguration Read(GgufMetadata metadata, IReadOnlyDictionary<string, GgufTensor> tensors, Func<GgufTensor, float[]> read)
    {
        var architecture = metadata.Text("general.architecture");
        if (architecture is not ("llama" or "qwen2" or "qwen3"))
        {
            throw new ModelFormatException("The GGUF file's architecture is not llama, qwen2 or qwen3.");
        }

        string Key(string name) => $"{architecture}.{name}";
        if (metadata.IntOrNull(Key("expert_count")) is > 0)
        {
            throw new ModelFormatException("The GGUF file's model is a mixture of experts.");
        }

        var embedding = tensors.GetValueOrDefault(GgufNames.Embedding) ?? throw new ModelFormatException($"The GGUF file lacks the tensor '{GgufNames.Embedding}'.");
        var (width, heads) = (metadata.Int(Key("embedding_length")), metadata.Int(Key("attention.head_count")));
        var shape = new ModelConfiguration
        {
            ModelType = architecture,
            Width = width,
            FeedForwardWidth = metadata.Int(Key("feed_forward_length")),
            Layers = metadata.Int(Key("block_count")),
            Heads = heads,
            KeyValueHeads = metadata.IntOrNull(Key("attention.head_count_kv")) ?? heads,
            HeadSize = metadata.IntOrNull(Key("attention.key_length")) ?? metadata.IntOrNull(Key("rope.dimension_count")) ?? (heads > 0 ? width / heads : 0),
            Vocabulary = (int)Math.Min(embedding.Rows, int.MaxValue),
            Context = Math.Min(metadata.Int(Key("context_length")), metadata.IntOrNull(Key("attention.sliding_window")) is > 0 and { } window ? window : int.MaxValue),
            NormEpsilon = metadata.NumberOrNull(Key("attention.layer_norm_rms_epsilon")) ?? 1e-5,
            RotaryTheta = metadata.NumberOrNull(Key("rope.freq_base")) ?? 10_000,
            TiedHead = !tensors.ContainsKey(GgufNames.Head),
            AttentionBias = tensors.ContainsKey("blk.0.attn_q.bias"),
            QueryKeyNorm = tensors.ContainsKey("blk.0.attn_q_norm.weight"),
            BeginToken = GgufTokenizer.BeginToken(metadata),
            EndTokens = GgufTokenizer.EndTokens(metadata),
        };
        if (metadata.IntOrNull(Key("rope.dimension_count")) is { } rotated && rotated != shape.HeadSize)
        {
            throw new ModelFormatException("The GGUF file's model rotates only a part of each head.");
        }

        shape = shape.Checked();
        return shape with { RotaryScaling = Scaling(metadata, Key("rope.scaling."), shape, tensors.GetValueOrDefault(GgufNames.RotaryDivisors), read) };
    }

    public static IEnumerable<(string Key, object Value)> Write(ModelConfiguration shape)
    {
        var architecture = ArchitectureOf(shape);
        yield return ($"{architecture}.context_length", (uint)shape.Context);
        yield return ($"{architecture}.embedding_length", (uint)shape.Width);
        yield return ($"{architecture}.block_count", (uint)shape.Layers);
        yield return ($"{architecture}.feed_forward_length", (uint)shape.FeedForwardWidth);
        yield return ($"{architecture}.attention.head_count", (uint)shape.Heads);
        yield return ($"{architecture}.attention.head_count_kv", (uint)shape.KeyValueHeads);
        yield return ($"{architecture}.attention.key_length", (uint)shape.HeadSize);
        yield return ($"{architecture}.attention.value_length", (uint)shape.HeadSize);
        yield return ($"{architecture}.attention.layer_norm_rms_epsilon", (float)shape.NormEpsilon);
        yield return ($"{architecture}.rope.dimension_count", (uint)shape.HeadSize);
        yield return ($"{architecture}.rope.freq_base", (float)shape.RotaryTheta);
        yield return ($"{architecture}.vocab_size", (uint)shape.Vocabulary);
        if (shape.RotaryScaling.Kind == RotaryScalingKind.Linear)
        {
            yield return ($"{architecture}.rope.scaling.type", "linear");
            yield return ($"{architecture}.rope.scaling.factor", (float)shape.RotaryScaling.Factor);
        }
    }

    /// <summary>By what Llama 3's scaling divides each frequency; null for the other scalings.</summary>
    public static float[]? Divisors(ModelConfiguration shape) => shape.RotaryScaling.Kind != RotaryScalingKind.Llama3
        ? null
        : [.. Enumerable.Range(0, shape.HeadSize / 2).Select(pair =>
        {
            var frequency = RotaryTable.Frequency(shape, pair);
            return (float)(frequency / RotaryTable.Scaled(frequency, shape.RotaryScaling));
        })];

    private static RotaryScaling Scaling(
        GgufMetadata metadata, string prefix, ModelConfiguration shape, GgufTensor? divisors, Func<GgufTensor, float[]> read)
    {
        if (divisors is not null)
        {
            var given = divisors.Columns == shape.HeadSize / 2 && divisors.Rows == 1 ? read(divisors) : [];
            return PublishedScalings.FirstOrDefault(scaling => Divisors(shape with { RotaryScaling = scaling })!.Zip(given).All(pair =>
                    Math.Abs(pair.First - pair.Second) <= 1e-4f * pair.First) && given.Length == shape.HeadSize / 2)
                ?? throw new ModelFormatException("The GGUF file's rotary divisors are none of Llama 3's.");
        }

        return metadata.TextOrNull(prefix + "type") switch
        {
            null or "none" => RotaryScaling.None,
            "linear" when metadata.NumberOrNull(prefix + "factor") is >= 1 and var factor => new RotaryScaling(RotaryScalingKind.Linear, factor, 1, 1, 0),
            _ => throw new ModelFormatException("The GGUF file's rotary scaling is not linear."),
        };
    }
}
