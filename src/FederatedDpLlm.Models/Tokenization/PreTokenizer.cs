using System.Text.RegularExpressions;

namespace FederatedDpLlm.Models.Tokenization;

/// <summary>Cuts text into the pieces that byte-pair encoding stays within: expressions are applied one after the other, each to the pieces of the last.</summary>
internal sealed class PreTokenizer(IReadOnlyList<string> patterns, bool prefixSpace = false)
{
    /// <summary>openai/gpt-2, encoder.py.</summary>
    public const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary>As GPT-2's, but every digit by itself: numbers are copied and compared digit by digit.</summary>
    public const string SingleDigitPattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    // A pattern comes from a model's file and meets a user's text: no backtracking may run away.
    private static readonly TimeSpan LongestMatch = TimeSpan.FromSeconds(2);
    private readonly Regex[] _expressions = [.. patterns.Select(pattern => new Regex(pattern, RegexOptions.CultureInvariant | RegexOptions.Compiled, LongestMatch))];

    public bool PrefixSpace => prefixSpace;

    public IReadOnlyList<string> Patterns => patterns;

    public IEnumerable<string> Split(string text)
    {
        IEnumerable<string> pieces = [prefixSpace && text.Length > 0 && text[0] != ' ' ? " " + text : text];
        foreach (var expression in _expressions)
        {
            pieces = pieces.SelectMany(piece => Isolate(expression, piece));
        }

        return pieces;
    }

    // What lies between matches is a piece too.
    private static IEnumerable<string> Isolate(Regex expression, string text)
    {
        var at = 0;
        foreach (Match match in expression.Matches(text))
        {
            if (match.Index > at)
            {
                yield return text[at..match.Index];
            }

            if (match.Length > 0)
            {
                yield return text.Substring(match.Index, match.Length);
            }

            at = match.Index + match.Length;
        }

        if (at < text.Length)
        {
            yield return text[at..];
        }
    }
}
