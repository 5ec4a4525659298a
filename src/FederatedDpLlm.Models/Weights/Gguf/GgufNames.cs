namespace FederatedDpLlm.Models.Weights.Gguf;

/// <summary>GGUF's tensor names beside Hugging Face's. Reference: ggml-org/llama.cpp, gguf-py/gguf/tensor_mapping.py.</summary>
internal static class GgufNames
{
    public const string Embedding = "token_embd.weight";
    public const string FinalNorm = "output_norm.weight";
    public const string Head = "output.weight";
    public const string RotaryDivisors = "rope_freqs.weight";
    private const string LayerPrefix = "model.layers.";

    private static readonly Dictionary<string, string> Parts = new(StringComparer.Ordinal)
    {
        ["input_layernorm"] = "attn_norm",
        ["self_attn.q_proj"] = "attn_q",
        ["self_attn.k_proj"] = "attn_k",
        ["self_attn.v_proj"] = "attn_v",
        ["self_attn.o_proj"] = "attn_output",
        ["self_attn.q_norm"] = "attn_q_norm",
        ["self_attn.k_norm"] = "attn_k_norm",
        ["post_attention_layernorm"] = "ffn_norm",
        ["mlp.gate_proj"] = "ffn_gate",
        ["mlp.up_proj"] = "ffn_up",
        ["mlp.down_proj"] = "ffn_down",
    };

    /// <summary>GGUF's name of a tensor; null where it has none.</summary>
    public static string? Of(string name)
    {
        switch (name)
        {
            case TensorNames.Embedding: return Embedding;
            case TensorNames.FinalNorm: return FinalNorm;
            case TensorNames.Head: return Head;
        }

        if (!name.StartsWith(LayerPrefix, StringComparison.Ordinal) || name.IndexOf('.', LayerPrefix.Length) is not (> 0 and var dot))
        {
            return null;
        }

        var last = name.LastIndexOf('.');
        return last > dot && Parts.TryGetValue(name[(dot + 1)..last], out var part) ? $"blk.{name[LayerPrefix.Length..dot]}.{part}{name[last..]}" : null;
    }

    /// <summary>The inverse of <see cref="Of"/> for a layer's matrix: <c>blk.0.attn_q</c> to <c>model.layers.0.self_attn.q_proj</c>; null where there is none.</summary>
    public static string? ModuleOf(string ggufModule)
    {
        var parts = ggufModule.Split('.');
        var known = parts is ["blk", _, _] ? Parts.FirstOrDefault(pair => pair.Value == parts[2]).Key : null;
        return known is null ? null : $"{LayerPrefix}{parts[1]}.{known}";
    }

    /// <summary>Whether a tensor's rows are the rotated elements of heads, whose order differs between the layouts of rotary pairs.</summary>
    public static bool IsRotated(string name) =>
        name.Contains(".self_attn.q_proj.", StringComparison.Ordinal) || name.Contains(".self_attn.k_proj.", StringComparison.Ordinal);
}
