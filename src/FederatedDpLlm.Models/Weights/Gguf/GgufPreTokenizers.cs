using FederatedDpLlm.Models.Tokenization;

namespace FederatedDpLlm.Models.Weights.Gguf;

/// <summary>llama.cpp's names of pre-tokenizers, and the expressions they stand for. Reference: ggml-org/llama.cpp, src/llama-vocab.cpp, llm_tokenizer_bpe.</summary>
internal static class GgufPreTokenizers
{
    private const string Contractions = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";
    private const string Tail = @"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Llama3 = "llama-bpe";
    private const string SmolLm = "smollm";

    private static readonly (string Name, string[] Others, string[] Patterns)[] Known =
    [
        ("gpt-2", ["default", "mpt", "olmo", "jais"], [PreTokenizer.Gpt2Pattern]),
        (Llama3, ["llama3", "llama-v3"], [Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + Tail]),
        ("qwen2", ["stablelm2", "deepseek-r1-qwen"], [Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + Tail]),
        (SmolLm, ["starcoder", "refact", "command-r", "codeshell"], [@"\p{N}", PreTokenizer.Gpt2Pattern]),
    ];

    public static bool AddsBegin(string? name) => name is Llama3 or "llama3" or "llama-v3";

    /// <summary>Whether a piece that is a token as a whole is taken so.</summary>
    public static bool IgnoresMerges(string? name) => AddsBegin(name);

    /// <exception cref="ModelFormatException">The name is not known here.</exception>
    public static IReadOnlyList<string> Patterns(string? name) =>
        Array.Find(Known, one => one.Name == (name ?? "gpt-2") || one.Others.Contains(name)).Patterns
            ?? throw new ModelFormatException("The GGUF file's tokenizer cuts text in a way that is not known here.");

    /// <summary>The name whose expressions are the tokenizer's, or else the nearest one.</summary>
    public static (string Name, bool Exact) NameOf(BytePairTokenizer tokenizer)
    {
        var known = Array.Find(Known, one => one.Patterns.Select(Plain).SequenceEqual(tokenizer.Pieces.Patterns.Select(Plain)));
        var exact = known.Name is not null && !tokenizer.Pieces.PrefixSpace && IgnoresMerges(known.Name) == tokenizer.Source.IgnoreMerges;
        return (known.Name ?? SmolLm, exact);
    }

    // tokenizer.json writes the contractions as one case-insensitive group.
    private static string Plain(string pattern) => pattern.Replace("(?i:'s|'t|'re|'ve|'m|'ll|'d)", Contractions, StringComparison.Ordinal);
}
