using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Llama;

/// <summary>
/// The shape of a Llama-family transformer: pre-normed attention with rotary positions and grouped queries, SwiGLU
/// (Llama 2 and 3, Mistral, Qwen 2, 2.5 and 3, SmolLM2). Sizes are counted in elements.
/// </summary>
public sealed record ModelConfiguration
{
    private const int LargestSize = 1 << 20;
    private const int LargestSlices = 8;
    private const int QuantizationBlock = 32;

    /// <summary><c>model_type</c> of config.json: <c>llama</c>, <c>mistral</c>, <c>qwen2</c> or <c>qwen3</c>.</summary>
    public string ModelType { get; init; } = "llama";

    /// <summary>Width of the residual stream (<c>hidden_size</c>).</summary>
    public required int Width { get; init; }

    /// <summary>Width inside the feed-forward part (<c>intermediate_size</c>).</summary>
    public required int FeedForwardWidth { get; init; }

    /// <summary>Number of layers (<c>num_hidden_layers</c>).</summary>
    public required int Layers { get; init; }

    /// <summary>Number of query heads (<c>num_attention_heads</c>).</summary>
    public required int Heads { get; init; }

    /// <summary>Number of key and value heads; divides <see cref="Heads"/> (<c>num_key_value_heads</c>).</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Width of one head, even (<c>head_dim</c>; not necessarily <see cref="Width"/> / <see cref="Heads"/>).</summary>
    public required int HeadSize { get; init; }

    /// <summary>Number of tokens known (<c>vocab_size</c>).</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Longest sequence in tokens (<c>max_position_embeddings</c>).</summary>
    public required int Context { get; init; }

    /// <summary>Added under the root of the norms (<c>rms_norm_eps</c>).</summary>
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>Base of the rotary wavelengths (<c>rope_theta</c>).</summary>
    public double RotaryTheta { get; init; } = 10_000;

    /// <summary>Stretching of the rotary wavelengths.</summary>
    public RotaryScaling RotaryScaling { get; init; } = RotaryScaling.None;

    /// <summary>Whether the output head is the embedding (<c>tie_word_embeddings</c>).</summary>
    public bool TiedHead { get; init; }

    /// <summary>Whether queries, keys and values have a bias (<c>attention_bias</c>; always for Qwen 2).</summary>
    public bool AttentionBias { get; init; }

    /// <summary>Whether queries and keys are normed per head (Qwen 3).</summary>
    public bool QueryKeyNorm { get; init; }

    /// <summary>The token that begins a text, where there is one (<c>bos_token_id</c>).</summary>
    public int? BeginToken { get; init; }

    /// <summary>The tokens that end an answer (<c>eos_token_id</c>).</summary>
    public IReadOnlyList<int> EndTokens { get; init; } = [];

    /// <summary>Width of all queries together.</summary>
    public int QueryWidth => Heads * HeadSize;

    /// <summary>Width of all keys (or values) together.</summary>
    public int KeyValueWidth => KeyValueHeads * HeadSize;

    /// <summary>
    /// Into how many canonical slices the sum of the attention's output projection is cut: the most, up to 8, that give each the same number of key-value
    /// heads. Part of the model's arithmetic: whoever computes which slices, the bits are the same.
    /// </summary>
    public int AttentionSlices => Enumerable.Range(1, LargestSlices).Last(slices =>
        KeyValueHeads % slices == 0 && (!HasQuantizableSums || QueryWidth / slices % QuantizationBlock == 0));

    /// <summary>As <see cref="AttentionSlices"/> for the down projection: the largest power of two up to 8 that divides the feed-forward width.</summary>
    public int FeedForwardSlices => new[] { 8, 4, 2, 1 }.First(slices =>
        FeedForwardWidth % slices == 0 && (!HasQuantizableSums || FeedForwardWidth / slices % QuantizationBlock == 0));

    /// <summary>The number of parameters; a tied head counts once.</summary>
    public long Parameters
    {
        get
        {
            long attention = (long)Width * (2 * QueryWidth + 2 * KeyValueWidth)
                + (AttentionBias ? QueryWidth + 2 * KeyValueWidth : 0) + (QueryKeyNorm ? 2 * HeadSize : 0);
            long layer = attention + 3L * Width * FeedForwardWidth + 2 * Width;
            return Layers * layer + (TiedHead ? 1L : 2L) * Vocabulary * Width + Width;
        }
    }

    /// <summary>Checks that the sizes fit together.</summary>
    /// <exception cref="ModelFormatException">They do not.</exception>
    public ModelConfiguration Checked()
    {
        Require(Width, nameof(Width));
        Require(FeedForwardWidth, nameof(FeedForwardWidth));
        Require(Layers, nameof(Layers));
        Require(Heads, nameof(Heads));
        Require(KeyValueHeads, nameof(KeyValueHeads));
        Require(HeadSize, nameof(HeadSize));
        Require(Vocabulary, nameof(Vocabulary));
        Require(Context, nameof(Context));
        Demand(HeadSize % 2 == 0, $"the head size {HeadSize} is odd, rotary pairs need an even one");
        Demand(Heads % KeyValueHeads == 0, $"{Heads} heads cannot share {KeyValueHeads} key-value heads");
        Demand((long)Heads * HeadSize <= LargestSize, "the heads together are too wide");
        Demand(NormEpsilon is > 0 and < 1, "the norm's epsilon is not within (0, 1)");
        Demand(RotaryTheta is > 1 and < 1e12, "the rotary base is not within (1, 1e12)");
        Demand((long)Vocabulary * Width <= int.MaxValue / 2 && (long)FeedForwardWidth * Width <= int.MaxValue / 2, "a tensor has more than 2^30 elements");
        Demand(BeginToken is null || (BeginToken >= 0 && BeginToken < Vocabulary), "the begin token lies outside the vocabulary");
        Demand(EndTokens.All(token => token >= 0 && token < Vocabulary), "an end token lies outside the vocabulary");
        return this;
    }

    // Blocks of quantised weights lie along the sums: a slice border within one would cut it.
    private bool HasQuantizableSums => QueryWidth % QuantizationBlock == 0 && FeedForwardWidth % QuantizationBlock == 0;

    private static void Require(int size, string name) =>
        Demand(size is > 0 and <= LargestSize, $"{name} is {size}, allowed is 1 to {LargestSize}");

    private static void Demand(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new ModelFormatException($"The model's configuration does not fit together: {otherwise}.");
        }
    }
}
