using System.Text;

namespace FederatedDpLlm.Models.Tokenization;

/// <summary>Turns tokens into text one by one; a character whose bytes are spread over tokens appears when it is whole.</summary>
/// <param name="tokenizer">Knows the tokens' bytes.</param>
/// <param name="trimLeadingSpace">Drops one space at the very beginning: SentencePiece puts one before every text, chat answers begin with one.</param>
public sealed class StreamingTextDecoder(ITokenizer tokenizer, bool trimLeadingSpace = false)
{
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private bool _trim = trimLeadingSpace;

    /// <summary>The text that this token completes; may be empty.</summary>
    public string Append(int token) => Convert(tokenizer.BytesOf(token), flush: false);

    /// <summary>What an unfinished character at the end becomes: U+FFFD, or nothing.</summary>
    public string Flush() => Convert([], flush: true);

    /// <summary>The text of all tokens.</summary>
    public static string Decode(ITokenizer tokenizer, IEnumerable<int> tokens, bool trimLeadingSpace = false)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        var decoder = new StreamingTextDecoder(tokenizer, trimLeadingSpace);
        var text = new StringBuilder();
        foreach (var token in tokens)
        {
            text.Append(decoder.Append(token));
        }

        return text.Append(decoder.Flush()).ToString();
    }

    private string Convert(ReadOnlySpan<byte> bytes, bool flush)
    {
        Span<char> chars = new char[Encoding.UTF8.GetMaxCharCount(bytes.Length + 4)];
        ReadOnlySpan<char> text = chars[.._decoder.GetChars(bytes, chars, flush)];
        if (_trim && text.Length > 0)
        {
            _trim = false;
            text = text[0] == ' ' ? text[1..] : text;
        }

        return new string(text);
    }
}
