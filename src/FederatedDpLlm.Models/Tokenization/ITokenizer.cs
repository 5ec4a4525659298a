namespace FederatedDpLlm.Models.Tokenization;

/// <summary>Text to tokens and back.</summary>
public interface ITokenizer
{
    /// <summary>The number of tokens known.</summary>
    int Vocabulary { get; }

    /// <summary>The token that begins a text, where there is one.</summary>
    int? BeginToken { get; }

    /// <summary>The tokens that end an answer.</summary>
    IReadOnlyList<int> EndTokens { get; }

    /// <summary>The tokens of plain text: what looks like a control token in it stays text, so that no user can forge a turn.</summary>
    IReadOnlyList<int> Encode(string text);

    /// <summary>A control token by its written form, as in <c>&lt;|im_end|&gt;</c>; null where the tokenizer has none of that name.</summary>
    int? ControlToken(string written);

    /// <summary>
    /// The bytes that a token adds to the text; none for a control token, and none for one beyond <see cref="Vocabulary"/>: models are padded (Qwen's by hundreds), and
    /// such a token can be drawn. Bytes of one character may be spread over tokens.
    /// </summary>
    ReadOnlySpan<byte> BytesOf(int token);
}
