using System.Text;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Tokenization;

/// <summary>What a byte-level tokenizer's file holds: tokens in GPT-2's byte alphabet, merges in order of rank, control tokens.</summary>
internal sealed record BytePairVocabulary
{
    private const int LargestVocabulary = 1 << 20;

    public required IReadOnlyDictionary<string, int> Tokens { get; init; }

    public required IReadOnlyList<(string Left, string Right)> Merges { get; init; }

    /// <summary>Written form to token; may lie outside <see cref="Tokens"/>.</summary>
    public IReadOnlyDictionary<string, int> Control { get; init; } = new Dictionary<string, int>();

    public int? BeginToken { get; init; }

    public IReadOnlyList<int> EndTokens { get; init; } = [];

    /// <summary>Whether a piece that is a token as a whole is taken so, whatever the merges say (Llama 3).</summary>
    public bool IgnoreMerges { get; init; }

    public int? TokenOf(string written) => Tokens.TryGetValue(written, out var token) ? token : null;

    /// <summary>The bytes of every token, control tokens empty.</summary>
    /// <exception cref="ModelFormatException">Numbers are negative or absurdly large.</exception>
    public byte[][] Bytes()
    {
        var numbers = Tokens.Values.Concat(Control.Values).ToList();
        if (numbers.Count == 0 || numbers.Min() < 0 || numbers.Max() >= LargestVocabulary)
        {
            throw new ModelFormatException("The tokenizer's token numbers are not within 0 to 2^20.");
        }

        var bytes = new byte[numbers.Max() + 1][];
        Array.Fill(bytes, []);
        foreach (var (written, token) in Tokens)
        {
            // Added tokens of plain text are written as they are, not in the alphabet.
            bytes[token] = ByteAlphabet.Read(written) ?? Encoding.UTF8.GetBytes(written);
        }

        foreach (var token in Control.Values)
        {
            bytes[token] = [];
        }

        return bytes;
    }

    public Dictionary<(int, int), (double Rank, int Token)> MergeTable()
    {
        var table = new Dictionary<(int, int), (double, int)>(Merges.Count);
        for (var rank = 0; rank < Merges.Count; rank++)
        {
            var (left, right) = Merges[rank];
            if (TokenOf(left) is { } first && TokenOf(right) is { } second && TokenOf(left + right) is { } merged)
            {
                table.TryAdd((first, second), (rank, merged));
            }
            else
            {
                throw new ModelFormatException($"The tokenizer's merge {rank} names a token that its vocabulary lacks.");
            }
        }

        return table;
    }
}
