using FederatedDpLlm.Models.Tokenization;

namespace FederatedDpLlm.Models.Weights.Gguf;

/// <summary>
/// Tokenizers in GGUF's metadata: byte-level byte-pair encoding (<c>gpt2</c> with the name of its pre-tokenizer) and SentencePiece (<c>llama</c>).
/// Reference: ggml-org/llama.cpp, src/llama-vocab.cpp.
/// </summary>
internal static class GgufTokenizer
{
    private const string Model = "tokenizer.ggml.model";
    private const string Pre = "tokenizer.ggml.pre";
    private const string Tokens = "tokenizer.ggml.tokens";
    private const string Types = "tokenizer.ggml.token_type";
    private const string Scores = "tokenizer.ggml.scores";
    private const string Merges = "tokenizer.ggml.merges";
    private const string Begin = "tokenizer.ggml.bos_token_id";
    private const string End = "tokenizer.ggml.eos_token_id";
    private const string EndOfTurn = "tokenizer.ggml.eot_token_id";
    private const string AddsBegin = "tokenizer.ggml.add_bos_token";
    private const string AddsSpace = "tokenizer.ggml.add_space_prefix";

    // Where llama.cpp knows no name for exactly our expressions they stand here, so that reading back is exact.
    private const string OwnPatterns = "fedllm.tokenizer.patterns";

    private const int Normal = 1;
    private const int UnknownType = 2;
    private const int ControlType = 3;
    private const int Unused = 5;
    private const int ByteType = 6;

    /// <summary>The token that begins a text, where the tokenizer adds one.</summary>
    public static int? BeginToken(GgufMetadata metadata)
    {
        var sentencePiece = metadata.TextOrNull(Model) == "llama";
        var adds = metadata.FlagOrNull(AddsBegin) ?? (sentencePiece || GgufPreTokenizers.AddsBegin(metadata.TextOrNull(Pre)));
        return adds ? metadata.IntOrNull(Begin) ?? (sentencePiece ? 1 : null) : null;
    }

    public static int[] EndTokens(GgufMetadata metadata) =>
        [.. new[] { metadata.IntOrNull(End), metadata.IntOrNull(EndOfTurn) }.OfType<int>().Distinct()];

    /// <exception cref="ModelFormatException">The tokenizer is of another kind, or its lists do not fit together.</exception>
    public static ITokenizer Read(GgufMetadata metadata)
    {
        var tokens = metadata.Texts(Tokens);
        var types = metadata.NumbersOrNull(Types);
        if (types is not null && types.Count != tokens.Count)
        {
            throw new ModelFormatException("The GGUF file's token types are not as many as its tokens.");
        }

        int TypeOf(int token) => types is null ? Normal : (int)types[token];
        var control = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var token = 0; token < tokens.Count; token++)
        {
            if (TypeOf(token) is ControlType or Unused)
            {
                control.TryAdd(tokens[token], token);
            }
        }

        return metadata.Text(Model) switch
        {
            "gpt2" => BytePairs(metadata, tokens, control, TypeOf),
            "llama" => SentencePiece(metadata, tokens, control),
            _ => throw new ModelFormatException("The GGUF file's tokenizer is neither gpt2 (byte-level pairs) nor llama (SentencePiece)."),
        };
    }

    public static IEnumerable<(string Key, object Value)> Write(ITokenizer tokenizer, int vocabulary)
    {
        var entries = tokenizer switch
        {
            BytePairTokenizer pairs => WriteBytePairs(pairs, vocabulary),
            SentencePieceTokenizer pieces => WriteSentencePiece(pieces, vocabulary),
            _ => throw new ModelFormatException("This tokenizer cannot be written as GGUF."),
        };
        foreach (var entry in entries)
        {
            yield return entry;
        }

        yield return (AddsBegin, tokenizer.BeginToken is not null);
        if (tokenizer.BeginToken is { } begin)
        {
            yield return (Begin, (uint)begin);
        }

        if (tokenizer.EndTokens.Count > 0)
        {
            yield return (End, (uint)tokenizer.EndTokens[0]);
        }

        if (tokenizer.EndTokens.Count > 1)
        {
            yield return (EndOfTurn, (uint)tokenizer.EndTokens[1]);
        }
    }

    private static BytePairTokenizer BytePairs(GgufMetadata metadata, IReadOnlyList<string> tokens, Dictionary<string, int> control, Func<int, int> typeOf)
    {
        var plain = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var token = 0; token < tokens.Count; token++)
        {
            if (typeOf(token) is not (ControlType or Unused))
            {
                plain.TryAdd(tokens[token], token);
            }
        }

        var name = metadata.TextOrNull(Pre);
        var vocabulary = new BytePairVocabulary
        {
            Tokens = plain,
            Merges = [.. metadata.Texts(Merges).Select(Pair)],
            Control = control,
            BeginToken = BeginToken(metadata),
            EndTokens = EndTokens(metadata),
            IgnoreMerges = GgufPreTokenizers.IgnoresMerges(name),
        };
        var patterns = metadata.TextsOrNull(OwnPatterns) ?? GgufPreTokenizers.Patterns(name);
        try
        {
            return new BytePairTokenizer(vocabulary, new PreTokenizer(patterns));
        }
        catch (ArgumentException error)
        {
            throw new ModelFormatException($"The GGUF file's tokenizer cuts text by an expression that cannot be read: {error.Message}", error);
        }
    }

    private static SentencePieceTokenizer SentencePiece(GgufMetadata metadata, IReadOnlyList<string> tokens, Dictionary<string, int> control)
    {
        var scores = metadata.NumbersOrNull(Scores) ?? throw new ModelFormatException($"The GGUF file lacks the entry '{Scores}'.");
        if (scores.Count != tokens.Count)
        {
            throw new ModelFormatException("The GGUF file's token scores are not as many as its tokens.");
        }

        return new SentencePieceTokenizer(
            [.. tokens.Select((token, i) => (token.Replace(SentencePieceTokenizer.WrittenSpace, ' '), scores[i]))], control, BeginToken(metadata), EndTokens(metadata), metadata.FlagOrNull(AddsSpace) ?? true);
    }

    private static (string, string) Pair(string merge)
    {
        // The first space separates: the byte alphabet writes a space as U+0120.
        var space = merge.IndexOf(' ', StringComparison.Ordinal);
        return space > 0 && space < merge.Length - 1 ? (merge[..space], merge[(space + 1)..]) : throw new ModelFormatException("A merge of the GGUF file is not a pair.");
    }

    private static IEnumerable<(string Key, object Value)> WriteBytePairs(BytePairTokenizer tokenizer, int vocabulary)
    {
        var (texts, types) = Blank(vocabulary);
        foreach (var (written, token) in tokenizer.Source.Tokens)
        {
            (texts[token], types[token]) = (written, Normal);
        }

        foreach (var (written, token) in tokenizer.Source.Control)
        {
            (texts[token], types[token]) = (written, ControlType);
        }

        var (name, exact) = GgufPreTokenizers.NameOf(tokenizer);
        yield return (Model, "gpt2");
        yield return (Pre, name);
        if (!exact)
        {
            yield return (OwnPatterns, tokenizer.Pieces.Patterns.ToArray());
        }

        yield return (Tokens, texts);
        yield return (Types, types);
        yield return (Merges, tokenizer.Source.Merges.Select(merge => $"{merge.Left} {merge.Right}").ToArray());
    }

    private static IEnumerable<(string Key, object Value)> WriteSentencePiece(SentencePieceTokenizer tokenizer, int vocabulary)
    {
        var (texts, types) = Blank(vocabulary);
        var scores = new float[vocabulary];
        for (var token = 0; token < tokenizer.Vocabulary; token++)
        {
            var (text, score) = tokenizer.PieceOf(token);
            var controlName = tokenizer.ControlNameOf(token);
            texts[token] = controlName ?? text.Replace(' ', SentencePieceTokenizer.WrittenSpace);
            types[token] = controlName is null ? SentencePieceTokenizer.ByteOf(text) is null ? Normal : ByteType : token == SentencePieceTokenizer.Unknown ? UnknownType : ControlType;
            scores[token] = (float)score;
        }

        yield return (Model, "llama");
        yield return (Pre, "default");
        yield return (Tokens, texts);
        yield return (Types, types);
        yield return (Scores, scores);
        yield return (AddsSpace, tokenizer.PrefixSpace);
        yield return ("tokenizer.ggml.unknown_token_id", (uint)SentencePieceTokenizer.Unknown);
    }

    private static (string[] Texts, int[] Types) Blank(int vocabulary)
    {
        var types = new int[vocabulary];
        Array.Fill(types, Unused);
        return ([.. Enumerable.Range(0, vocabulary).Select(token => $"[PAD{token}]")], types);
    }
}
