using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Benchmarks.Sharding;

/// <summary>A GGUF file of random weights in the shape of SmolLM-135M: speed does not depend on what the numbers mean.</summary>
internal static class RandomModelFile
{
    private const int Width = 576;
    private const int FeedForwardWidth = 1536;
    private const int Layers = 30;
    private const int KeyValueWidth = 192;
    private const int Vocabulary = 49_152;

    /// <summary>Writes it below <paramref name="folder"/>.</summary>
    /// <returns>The file's path.</returns>
    public static string Write(string folder, ElementType type, CancellationToken cancellationToken)
    {
        var plain = Directory.CreateDirectory(Path.Combine(folder, "plain")).FullName;
        File.WriteAllText(Path.Combine(plain, "config.json"), $$"""
            {"model_type":"llama","hidden_size":{{Width}},"intermediate_size":{{FeedForwardWidth}},"num_hidden_layers":{{Layers}},"num_attention_heads":9,"num_key_value_heads":3,"head_dim":64,
             "vocab_size":{{Vocabulary}},"max_position_embeddings":2048,"rms_norm_eps":1e-5,"rope_theta":10000,"tie_word_embeddings":true,"bos_token_id":0,"eos_token_id":1}
            """);
        File.Copy(Path.Combine(BundledModel.Folder, "tokenizer.json"), Path.Combine(plain, "tokenizer.json"));
        WriteTensors(Path.Combine(plain, "model.safetensors"));
        var path = Path.Combine(folder, "smollm-135m-random.gguf");
        ModelConversion.ToGguf(plain, null, path, type, null, cancellationToken);
        Directory.Delete(plain, recursive: true);
        return path;
    }

    private static void WriteTensors(string path)
    {
        var (header, at) = (new StringBuilder("{"), 0L);
        var tensors = Tensors().ToList();
        foreach (var (name, shape) in tensors)
        {
            var size = 2L * shape.Aggregate(1, (product, dimension) => product * dimension);
            header.Append(CultureInfo.InvariantCulture, $"\"{name}\":{{\"dtype\":\"BF16\",\"shape\":[{string.Join(',', shape)}],\"data_offsets\":[{at},{at += size}]}},");
        }

        header[^1] = '}';
        using var file = new BufferedStream(File.Create(path), 1 << 20);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        file.Write(length);
        file.Write(Encoding.ASCII.GetBytes(header.ToString()));
        var (state, element) = (1u, new byte[2]);
        for (var written = 0L; written < at; written += 2)
        {
            // Uniform in about +-0.06, the size of trained weights; the low bits of a linear generator are its worst.
            state = unchecked(state * 1664525u + 1013904223u);
            BinaryPrimitives.WriteUInt16LittleEndian(element, (ushort)(BitConverter.SingleToUInt32Bits(((int)(state >> 8) - (1 << 23)) * (0.06f / (1 << 23))) >> 16));
            file.Write(element);
        }
    }

    private static IEnumerable<(string Name, int[] Shape)> Tensors()
    {
        yield return ("model.embed_tokens.weight", [Vocabulary, Width]);
        for (var layer = 0; layer < Layers; layer++)
        {
            var prefix = $"model.layers.{layer}.";
            yield return (prefix + "input_layernorm.weight", [Width]);
            yield return (prefix + "self_attn.q_proj.weight", [Width, Width]);
            yield return (prefix + "self_attn.k_proj.weight", [KeyValueWidth, Width]);
            yield return (prefix + "self_attn.v_proj.weight", [KeyValueWidth, Width]);
            yield return (prefix + "self_attn.o_proj.weight", [Width, Width]);
            yield return (prefix + "post_attention_layernorm.weight", [Width]);
            yield return (prefix + "mlp.gate_proj.weight", [FeedForwardWidth, Width]);
            yield return (prefix + "mlp.up_proj.weight", [FeedForwardWidth, Width]);
            yield return (prefix + "mlp.down_proj.weight", [Width, FeedForwardWidth]);
        }

        yield return ("model.norm.weight", [Width]);
    }
}
