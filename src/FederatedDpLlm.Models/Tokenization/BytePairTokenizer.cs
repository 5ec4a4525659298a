using System.Collections.Concurrent;
using System.Text;

namespace FederatedDpLlm.Models.Tokenization;

/// <summary>Byte-level byte-pair encoding (GPT-2, Llama 3, Qwen, SmolLM, and this project's own model): any bytes can be written.</summary>
public sealed class BytePairTokenizer : ITokenizer
{
    private const int LargestCachedPiece = 32;
    private const int LargestCache = 1 << 16;
    private readonly byte[][] _bytes;
    private readonly Dictionary<string, int> _control;
    private readonly Dictionary<(int, int), (double Rank, int Token)> _merges;
    private readonly int[] _byteTokens;
    private readonly PreTokenizer _preTokenizer;
    private readonly Dictionary<string, int>? _whole;
    private readonly ConcurrentDictionary<string, IReadOnlyList<int>> _cache = new(StringComparer.Ordinal);

    internal BytePairTokenizer(BytePairVocabulary vocabulary, PreTokenizer preTokenizer)
    {
        Source = vocabulary;
        _preTokenizer = preTokenizer;
        _bytes = vocabulary.Bytes();
        _control = vocabulary.Control.ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal);
        _merges = vocabulary.MergeTable();
        _byteTokens = [.. Enumerable.Range(0, 256).Select(value => vocabulary.TokenOf(ByteAlphabet.Write((byte)value).ToString()) ?? -1)];
        _whole = vocabulary.IgnoreMerges ? vocabulary.Tokens.ToDictionary(StringComparer.Ordinal) : null;
        BeginToken = vocabulary.BeginToken;
        EndTokens = vocabulary.EndTokens;
    }

    /// <inheritdoc/>
    public int Vocabulary => _bytes.Length;

    /// <inheritdoc/>
    public int? BeginToken { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int> EndTokens { get; }

    internal BytePairVocabulary Source { get; }

    internal PreTokenizer Pieces => _preTokenizer;

    /// <inheritdoc/>
    public IReadOnlyList<int> Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var tokens = new List<int>(text.Length / 2);
        foreach (var piece in _preTokenizer.Split(text))
        {
            tokens.AddRange(EncodePiece(piece));
        }

        return tokens;
    }

    /// <inheritdoc/>
    public int? ControlToken(string written) => _control.TryGetValue(written, out var token) ? token : null;

    /// <inheritdoc/>
    public ReadOnlySpan<byte> BytesOf(int token) => token < _bytes.Length ? _bytes[token] : [];

    private IReadOnlyList<int> EncodePiece(string piece)
    {
        if (piece.Length > LargestCachedPiece)
        {
            return Merged(piece);
        }

        if (_cache.TryGetValue(piece, out var known))
        {
            return known;
        }

        var tokens = Merged(piece);
        if (_cache.Count < LargestCache)
        {
            _cache.TryAdd(piece, tokens);
        }

        return tokens;
    }

    private IReadOnlyList<int> Merged(string piece)
    {
        var bytes = Encoding.UTF8.GetBytes(piece);
        if (_whole is not null && _whole.TryGetValue(ByteAlphabet.Write(bytes), out var whole))
        {
            return [whole];
        }

        var symbols = bytes.Select(value => _byteTokens[value]).Where(token => token >= 0).ToList();
        return BytePairMerger.Merge(symbols, (left, right) => _merges.TryGetValue((left, right), out var merge) ? merge : null);
    }
}
