using System.Globalization;
using System.Text;

namespace FederatedDpLlm.Models.Tokenization;

/// <summary>
/// SentencePiece-style byte-pair encoding (Llama 2, llama2.c): characters are merged by score, a space goes before the text, and characters that the
/// vocabulary lacks become byte tokens written <c>&lt;0x0A&gt;</c>.
/// </summary>
public sealed class SentencePieceTokenizer : ITokenizer
{
    /// <summary>How a space is written in vocabularies: U+2581.</summary>
    internal const char WrittenSpace = '\u2581';

    /// <summary>The token of what cannot be written.</summary>
    internal const int Unknown = 0;

    private readonly string[] _texts;
    private readonly byte[][] _bytes;
    private readonly double[] _ranks;
    private readonly Dictionary<string, int> _tokens = new(StringComparer.Ordinal);
    private readonly int[] _byteTokens = new int[256];
    private readonly Dictionary<string, int> _control;

    /// <param name="tokens">Text and score of each token, a space written as a space; a higher score merges first.</param>
    /// <param name="control">Control tokens by written form.</param>
    /// <param name="beginToken">The token that begins a text.</param>
    /// <param name="endTokens">The tokens that end an answer.</param>
    /// <param name="prefixSpace">Whether a space goes before the text.</param>
    internal SentencePieceTokenizer(
        IReadOnlyList<(string Text, double Score)> tokens, IReadOnlyDictionary<string, int> control, int? beginToken, IReadOnlyList<int> endTokens, bool prefixSpace = true)
    {
        PrefixSpace = prefixSpace;
        _texts = [.. tokens.Select(token => token.Text)];
        _ranks = [.. tokens.Select(token => -token.Score)];
        _control = control.ToDictionary(StringComparer.Ordinal);
        _bytes = [.. _texts.Select((text, token) => _control.ContainsValue(token) ? [] : BytesOfText(text))];
        Array.Fill(_byteTokens, Unknown);
        for (var token = 0; token < _texts.Length; token++)
        {
            if (ByteOf(_texts[token]) is { } value)
            {
                _byteTokens[value] = token;
            }
            else
            {
                _tokens.TryAdd(_texts[token], token);
            }
        }

        (BeginToken, EndTokens) = (beginToken, endTokens);
    }

    /// <summary>Whether a space goes before the text.</summary>
    internal bool PrefixSpace { get; }

    /// <inheritdoc/>
    public int Vocabulary => _texts.Length;

    /// <inheritdoc/>
    public int? BeginToken { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int> EndTokens { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int> Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length == 0)
        {
            return [];
        }

        var symbols = new List<int>();
        foreach (var rune in (PrefixSpace ? " " + text : text).EnumerateRunes())
        {
            if (_tokens.TryGetValue(rune.ToString(), out var token))
            {
                symbols.Add(token);
            }
            else
            {
                symbols.AddRange(Encoding.UTF8.GetBytes(rune.ToString()).Select(value => _byteTokens[value]));
            }
        }

        return BytePairMerger.Merge(symbols, Pair);
    }

    /// <inheritdoc/>
    public int? ControlToken(string written) => _control.TryGetValue(written, out var token) ? token : null;

    /// <inheritdoc/>
    public ReadOnlySpan<byte> BytesOf(int token) => token < _bytes.Length ? _bytes[token] : [];

    /// <summary>A token's text, a space written as a space, and its score.</summary>
    internal (string Text, double Score) PieceOf(int token) => (_texts[token], -_ranks[token]);

    /// <summary>The written form of a control token; null for the others.</summary>
    internal string? ControlNameOf(int token) => _control.FirstOrDefault(pair => pair.Value == token).Key;

    private static byte[] BytesOfText(string text) => ByteOf(text) is { } value ? [value] : Encoding.UTF8.GetBytes(text);

    /// <summary>The byte that a token written <c>&lt;0x0A&gt;</c> stands for.</summary>
    internal static byte? ByteOf(string text) =>
        text.Length == 6 && text.StartsWith("<0x", StringComparison.Ordinal) && text[5] == '>'
        && byte.TryParse(text.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            ? value
            : null;

    private (double Rank, int Token)? Pair(int left, int right) =>
        _tokens.TryGetValue(_texts[left] + _texts[right], out var token) && double.IsFinite(_ranks[token]) ? (_ranks[token], token) : null;
}
