using FederatedDpLlm.Models.KvCache;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Prompts;
using FederatedDpLlm.Models.Tokenization;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Models.Weights.Adapters;

namespace FederatedDpLlm.Models;

/// <summary>
/// A model ready to answer: weights, tokenizer and prompt template. Safe for concurrent use; batches opened from it are not. Logits have the same bits on
/// every machine, alone or in a batch, in one chunk or many.
/// </summary>
public sealed class LanguageModel
{
    internal LanguageModel(LlamaWeights weights, ITokenizer tokenizer, int? threads = null)
    {
        Configuration = weights.Shape;
        Tokenizer = tokenizer;
        Template = PromptTemplate.For(tokenizer);
        Forward = new BatchedForward(weights, threads ?? Environment.ProcessorCount);
        Pool = new KvBlockPool(new KvLayout(weights.Shape));
    }

    /// <summary>The model's shape.</summary>
    public ModelConfiguration Configuration { get; }

    /// <summary>Text to tokens and back.</summary>
    public ITokenizer Tokenizer { get; }

    /// <summary>How a chat and its records become tokens.</summary>
    public PromptTemplate Template { get; }

    internal BatchedForward Forward { get; }

    internal KvBlockPool Pool { get; }

    /// <summary>Blocks of the key-value cache that open batches hold now.</summary>
    internal int LentBlocks => Pool.Lent;

    /// <summary>Loads a model from a safetensors folder, a GGUF file, or a llama2.c checkpoint with its tokenizer.</summary>
    /// <param name="path">The folder (<c>config.json</c>, <c>tokenizer.json</c>, <c>model.safetensors</c>) or file.</param>
    /// <param name="threads">Most threads of one pass; null for as many as the machine has.</param>
    /// <param name="tokenizer">The tokenizer of a llama2.c checkpoint.</param>
    /// <param name="adapter">Merged into the weights; null for the model as it is.</param>
    /// <exception cref="ModelFormatException">A file is malformed, or the model is of another family.</exception>
    /// <exception cref="IOException">A file is missing or cannot be read.</exception>
    public static LanguageModel Load(string path, int? threads = null, string? tokenizer = null, LoraAdapter? adapter = null)
    {
        using var source = ModelSource.Open(path, tokenizer);
        var tensors = adapter is null ? source.Tensors : new AdaptedTensors(source.Tensors, adapter);
        return new LanguageModel(new LlamaWeights(source.Configuration, tensors), source.Tokenizer, threads);
    }

    /// <summary>Opens one decoding for many contexts that will be fed the same tokens; what they have in common is computed and stored once.</summary>
    /// <param name="contexts">Token sequences, each of at least one token.</param>
    /// <param name="cancellationToken">Ends the prefill between two passes.</param>
    /// <exception cref="ContextOverflowException">A context is longer than the model's.</exception>
    public DecodingBatch OpenBatch(IReadOnlyList<IReadOnlyList<int>> contexts, CancellationToken cancellationToken) => OpenBatch(contexts, null, cancellationToken);

    /// <summary>Opens one decoding of the model with an adapter of <see cref="Attach"/>; null for the model as it is.</summary>
    /// <inheritdoc cref="OpenBatch(IReadOnlyList{IReadOnlyList{int}}, CancellationToken)"/>
    public DecodingBatch OpenBatch(IReadOnlyList<IReadOnlyList<int>> contexts, ModelAdapter? adapter, CancellationToken cancellationToken) =>
        DecodingBatch.Open(Forward, Pool, Configuration, contexts, adapter, cancellationToken);

    /// <summary>Makes an adapter ready to be used beside the base weights: answers of many adapters share their passes.</summary>
    /// <exception cref="ModelFormatException">The adapter changes a matrix that the model lacks, or one outside its layers: merge such a one when loading.</exception>
    public ModelAdapter Attach(LoraAdapter adapter) => new(Configuration, adapter);
}
