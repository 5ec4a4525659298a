using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Tokenization;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Sharding;

/// <summary>
/// The coordinator's part of a model: embedding, final norm, head and tokenizer. They stay with whoever asks, so that token ids and logits never leave it.
/// </summary>
public sealed class ShardedModel
{
    internal ShardedModel(ModelConfiguration shape, ITensorSource source, ITokenizer? tokenizer)
    {
        Edges = new EdgeWeights(shape.Checked(), source);
        Manifest = ShardManifest.Of(shape, source);
        Tokenizer = tokenizer;
    }

    /// <summary>The model's shape.</summary>
    public ModelConfiguration Shape => Edges.Shape;

    /// <summary>What every shard must hold.</summary>
    public ShardManifest Manifest { get; }

    /// <summary>Text to tokens and back.</summary>
    public ITokenizer? Tokenizer { get; }

    internal EdgeWeights Edges { get; }

    /// <summary>Loads the coordinator's part of a model and hashes the rest of it.</summary>
    /// <param name="model">The model's safetensors folder or GGUF file.</param>
    /// <exception cref="ModelFormatException">A file is malformed.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static ShardedModel Load(string model)
    {
        using var source = ModelSource.Open(model);
        return new ShardedModel(source.Configuration, source.Tensors, source.TokenizerOrNull);
    }
}
