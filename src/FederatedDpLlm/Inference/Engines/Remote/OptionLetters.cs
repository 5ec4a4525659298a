namespace FederatedDpLlm.Inference.Engines.Remote;

/// <summary>Asks a chat model for one letter per option, and reads the letter or its probability from what comes back.</summary>
internal static class OptionLetters
{
    // One for each of the most options that a question may have.
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@#";
    private const double Unlikely = -30;

    public static IReadOnlyList<ChatMessage> Ask(IReadOnlyList<ChatMessage> messages, IReadOnlyList<string> options)
    {
        var list = string.Join('\n', options.Select((option, i) => $"{Letters[i]}) {option}"));
        return [.. messages.SkipLast(1), messages[^1] with { Content = $"{messages[^1].Content}\n\n{list}\n\nAnswer with the letter of the right option only." }];
    }

    /// <summary>Scores from the first token's candidates: variants of a letter (" A", "A)") add up; an absent letter lies below all that are present.</summary>
    public static IReadOnlyList<OptionScore> FromCandidates(IReadOnlyList<TokenCandidate> candidates, int options)
    {
        var probabilities = new double[options];
        foreach (var candidate in candidates)
        {
            if (IndexOf(candidate.Text) is { } option && option < options)
            {
                probabilities[option] += Math.Exp(candidate.LogProbability);
            }
        }

        var least = candidates.Min(candidate => candidate.LogProbability);
        return [.. probabilities.Select(probability => new OptionScore(probability > 0 ? Math.Min(0, Math.Log(probability)) : Math.Max(Unlikely, least - 1), 1))];
    }

    /// <summary>Scores from an answered text: its letter, or the option that it spells out, is sure and the others are not.</summary>
    public static IReadOnlyList<OptionScore> FromAnswer(string answer, IReadOnlyList<string> options)
    {
        var spelled = options.Index().Where(option => answer.Contains(option.Item, StringComparison.OrdinalIgnoreCase)).Select(option => (int?)option.Index).FirstOrDefault();
        var chosen = IndexOf(answer.TrimStart().Split(' ', '\n', '.', ',', ':')[0]) is { } letter && letter < options.Count ? letter : spelled;
        return [.. options.Select((_, option) => new OptionScore(option == chosen ? 0 : Unlikely, 1))];
    }

    private static int? IndexOf(string text) =>
        text.Trim(' ', '(', ')', '.', ':', '*', '"', '\n', '\u2581', '\u0120') is [var letter] && Letters.IndexOf(letter, StringComparison.Ordinal) is >= 0 and var index ? index : null;
}
