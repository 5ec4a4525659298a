using System.Text.Json;
using System.Text.Json.Nodes;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Tokenization;

/// <summary>Reads and writes Hugging Face's <c>tokenizer.json</c> for byte-pair models: byte-level ones, and SentencePiece-style ones with byte fallback.</summary>
public static class TokenizerFile
{
    /// <summary>The name of the file in a model's folder.</summary>
    public const string FileName = "tokenizer.json";

    private static readonly JsonSerializerOptions Written = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads a tokenizer.</summary>
    /// <param name="path">The file.</param>
    /// <param name="beginToken">From the model's configuration.</param>
    /// <param name="endTokens">From the model's configuration.</param>
    /// <exception cref="ModelFormatException">The file is malformed, or its model is not byte-pair encoding.</exception>
    public static ITokenizer Read(string path, int? beginToken, IReadOnlyList<int> endTokens)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return Parse(document.RootElement, beginToken, endTokens);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException or KeyNotFoundException or ArgumentException)
        {
            throw new ModelFormatException($"'{Path.GetFileName(path)}' is not a tokenizer that can be read: {error.Message}", error);
        }
    }

    /// <exception cref="ModelFormatException">A tokenizer of another kind.</exception>
    internal static void Write(string path, ITokenizer tokenizer)
    {
        var json = tokenizer switch
        {
            BytePairTokenizer pairs => Json(pairs),
            SentencePieceTokenizer pieces => Json(pieces),
            _ => throw new ModelFormatException("This tokenizer cannot be written as tokenizer.json."),
        };
        File.WriteAllText(path, json.ToJsonString(Written) + "\n");
    }

    private static JsonObject Json(BytePairTokenizer tokenizer)
    {
        var source = tokenizer.Source;
        return new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray([.. source.Control.OrderBy(pair => pair.Value).Select(AddedToken)]),
            ["normalizer"] = null,
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(
                    [
                        .. tokenizer.Pieces.Patterns.Select(pattern => new JsonObject
                        {
                            ["type"] = "Split",
                            ["pattern"] = new JsonObject { ["Regex"] = pattern },
                            ["behavior"] = "Isolated",
                            ["invert"] = false,
                        }),
                        new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = tokenizer.Pieces.PrefixSpace, ["trim_offsets"] = false, ["use_regex"] = false },
                    ]),
            },
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = false, ["use_regex"] = false },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["byte_fallback"] = false,
                ["ignore_merges"] = source.IgnoreMerges,
                ["vocab"] = new JsonObject(source.Tokens.OrderBy(pair => pair.Value).Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))),
                ["merges"] = new JsonArray([.. source.Merges.Select(merge => new JsonArray(merge.Left, merge.Right))]),
            },
        };
    }

    // As Hugging Face's converter does: every way to cut a token into two others is a merge, in the order of the scores.
    private static JsonObject Json(SentencePieceTokenizer tokenizer)
    {
        string Text(int token) => tokenizer.ControlNameOf(token) ?? tokenizer.PieceOf(token).Text.Replace(' ', SentencePieceTokenizer.WrittenSpace);
        var all = Enumerable.Range(0, tokenizer.Vocabulary).ToList();
        var plain = all.Where(token => tokenizer.ControlNameOf(token) is null && SentencePieceTokenizer.ByteOf(Text(token)) is null).ToList();
        var texts = plain.Select(Text).ToHashSet(StringComparer.Ordinal);
        var merges = plain.OrderByDescending(token => tokenizer.PieceOf(token).Score).Select(Text).Distinct(StringComparer.Ordinal)
            .SelectMany(text => Enumerable.Range(1, Math.Max(0, text.Length - 1)).Select(cut => (Left: text[..cut], Right: text[cut..])))
            .Where(pair => texts.Contains(pair.Left) && texts.Contains(pair.Right));
        var vocabulary = new JsonObject();
        all.ForEach(token => vocabulary.TryAdd(Text(token), token));
        return new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray([.. all.Where(token => tokenizer.ControlNameOf(token) is not null).Select(token => AddedToken(new(Text(token), token)))]),
            ["normalizer"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["normalizers"] = new JsonArray(
                    [
                        .. tokenizer.PrefixSpace ? [new JsonObject { ["type"] = "Prepend", ["prepend"] = "\u2581" }] : Array.Empty<JsonNode>(),
                        new JsonObject { ["type"] = "Replace", ["pattern"] = new JsonObject { ["String"] = " " }, ["content"] = "\u2581" },
                    ]),
            },
            ["pre_tokenizer"] = null,
            ["decoder"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["decoders"] = new JsonArray(
                    new JsonObject { ["type"] = "Replace", ["pattern"] = new JsonObject { ["String"] = "\u2581" }, ["content"] = " " },
                    new JsonObject { ["type"] = "ByteFallback" },
                    new JsonObject { ["type"] = "Fuse" },
                    new JsonObject { ["type"] = "Strip", ["content"] = " ", ["start"] = 1, ["stop"] = 0 }),
            },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["unk_token"] = Text(SentencePieceTokenizer.Unknown),
                ["byte_fallback"] = true,
                ["fuse_unk"] = true,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges.Select(pair => (JsonNode)new JsonArray(pair.Left, pair.Right))]),
            },
        };
    }

    private static JsonObject AddedToken(KeyValuePair<string, int> token) => new()
    {
        ["id"] = token.Value, ["content"] = token.Key, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false, ["special"] = true,
    };

    private static ITokenizer Parse(JsonElement json, int? beginToken, IReadOnlyList<int> endTokens)
    {
        var model = json.GetProperty("model");
        if (Optional(model, "type")?.GetString() is not (null or "BPE"))
        {
            throw new ModelFormatException("The tokenizer's model is not byte-pair encoding.");
        }

        var vocabulary = new BytePairVocabulary
        {
            Tokens = Tokens(model, json),
            Merges = [.. model.GetProperty("merges").EnumerateArray().Select(ReadMerge)],
            Control = Control(json),
            BeginToken = beginToken,
            EndTokens = endTokens,
            IgnoreMerges = Optional(model, "ignore_merges")?.GetBoolean() ?? false,
        };
        return Optional(model, "byte_fallback")?.GetBoolean() == true ? SentencePiece(vocabulary, HasPrefixSpace(json)) : new BytePairTokenizer(vocabulary, PreTokenizerOf(json));
    }

    private static (string, string) ReadMerge(JsonElement merge)
    {
        if (merge.ValueKind == JsonValueKind.Array && merge.GetArrayLength() == 2)
        {
            return (merge[0].GetString()!, merge[1].GetString()!);
        }

        // Older files write a pair as one string with a space between.
        var parts = merge.GetString()!.Split(' ');
        return parts is [var left, var right] ? (left, right) : throw new ModelFormatException("A merge of the tokenizer is not a pair.");
    }

    private static Dictionary<string, int> Control(JsonElement json) => Added(json, special: true).ToDictionary(StringComparer.Ordinal);

    // Tokens of text that were added later (Qwen 3's <think>) stand outside the model's own list.
    private static Dictionary<string, int> Tokens(JsonElement model, JsonElement json)
    {
        var tokens = model.GetProperty("vocab").EnumerateObject().ToDictionary(token => token.Name, token => token.Value.GetInt32(), StringComparer.Ordinal);
        foreach (var (written, token) in Added(json, special: false))
        {
            tokens.TryAdd(written, token);
        }

        return tokens;
    }

    private static IEnumerable<KeyValuePair<string, int>> Added(JsonElement json, bool special) =>
        Optional(json, "added_tokens") is { } added
            ? added.EnumerateArray().Where(token => (Optional(token, "special")?.GetBoolean() ?? false) == special)
                .Select(token => KeyValuePair.Create(token.GetProperty("content").GetString()!, token.GetProperty("id").GetInt32()))
            : [];

    // A merge's rank takes the place of the score: the earlier, the better.
    private static SentencePieceTokenizer SentencePiece(BytePairVocabulary vocabulary, bool prefixSpace)
    {
        var scores = new Dictionary<string, double>(StringComparer.Ordinal);
        for (var rank = 0; rank < vocabulary.Merges.Count; rank++)
        {
            scores.TryAdd(vocabulary.Merges[rank].Left + vocabulary.Merges[rank].Right, -rank);
        }

        var tokens = new (string, double)[vocabulary.Bytes().Length];
        Array.Fill(tokens, (string.Empty, double.NegativeInfinity));
        foreach (var (written, token) in vocabulary.Tokens)
        {
            tokens[token] = (written.Replace(SentencePieceTokenizer.WrittenSpace, ' '), scores.GetValueOrDefault(written, double.NegativeInfinity));
        }

        return new SentencePieceTokenizer(tokens, vocabulary.Control, vocabulary.BeginToken, vocabulary.EndTokens, prefixSpace);
    }

    // Said by a normalizer (Llama 2, Mistral 0.1) or by a pre-tokenizer (Mistral 0.3), which in older files has a flag for it.
    private static bool HasPrefixSpace(JsonElement json) =>
        Parts(Optional(json, "normalizer"), "normalizers").Any(part => part.GetProperty("type").GetString() == "Prepend")
        || Parts(Optional(json, "pre_tokenizer"), "pretokenizers").Any(part => part.GetProperty("type").GetString() == "Metaspace"
            && (Optional(part, "prepend_scheme")?.GetString() is { } scheme ? scheme != "never" : Optional(part, "add_prefix_space")?.GetBoolean() ?? true));

    private static PreTokenizer PreTokenizerOf(JsonElement json)
    {
        var patterns = new List<string>();
        var prefixSpace = false;
        foreach (var part in Parts(Optional(json, "pre_tokenizer"), "pretokenizers"))
        {
            switch (part.GetProperty("type").GetString())
            {
                case "Split":
                    patterns.Add(part.GetProperty("pattern").GetProperty("Regex").GetString()!);
                    break;
                case "Digits":
                    patterns.Add(Optional(part, "individual_digits")?.GetBoolean() == true ? @"\p{N}" : @"\p{N}+");
                    break;
                case "ByteLevel":
                    prefixSpace |= Optional(part, "add_prefix_space")?.GetBoolean() ?? false;
                    if (Optional(part, "use_regex")?.GetBoolean() ?? true)
                    {
                        patterns.Add(PreTokenizer.Gpt2Pattern);
                    }

                    break;
                default:
                    throw new ModelFormatException("The tokenizer cuts text in a way that is not known here.");
            }
        }

        return new PreTokenizer(patterns, prefixSpace);
    }

    private static IEnumerable<JsonElement> Parts(JsonElement? step, string parts) => step switch
    {
        null => [],
        { } one when one.GetProperty("type").GetString() == "Sequence" => one.GetProperty(parts).EnumerateArray(),
        { } one => [one],
    };

    private static JsonElement? Optional(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
