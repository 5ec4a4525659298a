namespace FederatedDpLlm.Models.Weights;

/// <summary>The tensor names of the Llama family in Hugging Face checkpoints.</summary>
internal static class TensorNames
{
    public const string Embedding = "model.embed_tokens.weight";
    public const string FinalNorm = "model.norm.weight";
    public const string Head = "lm_head.weight";

    public static string AttentionNorm(int layer) => $"model.layers.{layer}.input_layernorm.weight";

    public static string Query(int layer, string part = "weight") => $"model.layers.{layer}.self_attn.q_proj.{part}";

    public static string Key(int layer, string part = "weight") => $"model.layers.{layer}.self_attn.k_proj.{part}";

    public static string Value(int layer, string part = "weight") => $"model.layers.{layer}.self_attn.v_proj.{part}";

    public static string Output(int layer) => $"model.layers.{layer}.self_attn.o_proj.weight";

    public static string QueryNorm(int layer) => $"model.layers.{layer}.self_attn.q_norm.weight";

    public static string KeyNorm(int layer) => $"model.layers.{layer}.self_attn.k_norm.weight";

    public static string FeedForwardNorm(int layer) => $"model.layers.{layer}.post_attention_layernorm.weight";

    public static string Gate(int layer) => $"model.layers.{layer}.mlp.gate_proj.weight";

    public static string Up(int layer) => $"model.layers.{layer}.mlp.up_proj.weight";

    public static string Down(int layer) => $"model.layers.{layer}.mlp.down_proj.weight";
}
