using FederatedDpLlm.Models.Tokenization;

namespace FederatedDpLlm.Models.Serving.Constraints;

/// <summary>What a form allows, in tokens: their bytes are tried one after the other, so that borders of tokens do not matter.</summary>
internal sealed class TokenMask(ITokenizer tokenizer, IReadOnlyList<int> endTokens, int vocabulary)
{
    private readonly bool[] _ends = [.. Enumerable.Range(0, vocabulary).Select(endTokens.Contains)];

    /// <summary>How many tokens there are.</summary>
    public int Vocabulary => _ends.Length;

    public bool IsEnd(int token) => _ends[token];

    public ByteState After(ByteState form, int token) => form.After(BytesOf(token)) ?? throw new ArgumentException("The answer cannot go on with this token.", nameof(token));

    /// <summary>The logits with minus infinity for what may not come.</summary>
    /// <param name="form">Where the answer is.</param>
    /// <param name="logits">One per vocabulary entry.</param>
    /// <param name="tokensLeft">How many tokens the answer may still have, at least 1: what is left open must fit, were each byte a token.</param>
    /// <exception cref="InvalidOperationException">The tokenizer has no token for any byte that may come.</exception>
    public float[] Apply(ByteState form, ReadOnlySpan<float> logits, int tokensLeft)
    {
        Span<bool> begins = stackalloc bool[256];
        for (var value = 0; value < begins.Length; value++)
        {
            begins[value] = form.After((byte)value) is not null;
        }

        var (masked, any) = (new float[logits.Length], false);
        for (var token = 0; token < masked.Length; token++)
        {
            var bytes = BytesOf(token);
            var allowed = float.IsFinite(logits[token]) && (IsEnd(token)
                ? form.BytesLeft == 0
                : bytes.Length > 0 && begins[bytes[0]] && form.After(bytes) is { } next && next.BytesLeft < tokensLeft);
            masked[token] = allowed ? logits[token] : float.NegativeInfinity;
            any |= allowed;
        }

        return any ? masked : throw new InvalidOperationException("The model's tokenizer has no token that the form of the answer allows here.");
    }

    // A model may have more rows than its tokenizer has tokens: they stand for nothing.
    private ReadOnlySpan<byte> BytesOf(int token) => token < tokenizer.Vocabulary ? tokenizer.BytesOf(token) : [];
}
