namespace FederatedDpLlm.Tests.Inference.Engines.Exchanges;

/// <summary>What the exchanges' model thinks: it is sure of the option that the records name most, and spells "yes", letter by letter, or "no" where the records say so.</summary>
internal static class PretendModel
{
    public const int ContextTokens = 2048;
    public const int Vocabulary = 300;
    public const int EndToken = 0;

    /// <summary>The number of a token that is part of a character.</summary>
    public const int PartToken = 299;

    /// <summary>What it says where nothing is asked of it.</summary>
    public static IReadOnlyList<string> Saying { get; } = ["Take", " rest", "."];

    /// <summary>The letter of the option that the system message names most.</summary>
    public static string Letter(IReadOnlyList<(string Role, string Content)> messages)
    {
        var records = messages[0].Role == "system" ? messages[0].Content : "";
        return messages[^1].Content.Split('\n').Where(line => line.Length > 3 && line[1] == ')').OrderByDescending(line => records.Split(line[3..]).Length).Select(line => line[..1]).FirstOrDefault("A");
    }

    /// <summary>The likeliest next tokens; the empty text ends the answer, U+FFFD is part of a character.</summary>
    public static IReadOnlyList<(string Text, double LogProbability)> Next(string prompt)
    {
        var answer = AnswerIn(prompt);
        var word = prompt.Contains("say no", StringComparison.Ordinal) ? "no" : "yes";
        var next = word.StartsWith(answer, StringComparison.Ordinal) && answer.Length < word.Length ? word[answer.Length].ToString() : "";
        (string Text, double LogProbability)[] tokens = [(next, -0.1), ("n", -3), ("\uFFFD", -3.5), (next.Length == 0 ? "y" : "", -6)];
        return [.. tokens.DistinctBy(token => token.Text)];
    }

    /// <summary>One token a character: likelier where the records go on like this.</summary>
    public static double LogProbabilityOf(string prompt, char next) => prompt[..prompt.LastIndexOf("Question:", StringComparison.Ordinal)].Contains(AnswerIn(prompt) + next, StringComparison.Ordinal) ? -1 : -5;

    public static int NumberOf(string text) => text switch { "" => EndToken, "\uFFFD" => PartToken, _ => text[0] % PartToken };

    private static string AnswerIn(string prompt) => prompt[(Math.Max(prompt.LastIndexOf("Answer:", StringComparison.Ordinal), 0) + "Answer:".Length)..];
}
