namespace FederatedDpLlm.Models.Training.Corpus.Coding;

/// <summary>Writes a case in the styles of different hospitals. Style, order, age and misspellings say nothing about the condition.</summary>
internal static class CodingNoteWriter
{
    private const double Misspelt = 0.04;
    private const int ShortestMisspelt = 5;

    private static readonly Dictionary<CodingFeature, string[]> Sentences = new()
    {
        [CodingFeature.Complaint] = ["Came with {0}.", "Complains of {0}.", "{1} year old with {0}.", "Presents with {0}."],
        [CodingFeature.Sign] = ["On examination {0}.", "Examination shows {0}.", "Found {0}."],
        [CodingFeature.Result] = ["Tests: {0}.", "Work-up shows {0}.", "Result {0}."],
        [CodingFeature.Treatment] = ["Started on {0}.", "Given {0}.", "Plan {0}."],
    };

    private static readonly Dictionary<CodingFeature, (string Long, string Short)> Labels = new()
    {
        [CodingFeature.Complaint] = ("Complaint", "CC"),
        [CodingFeature.Sign] = ("Examination", "OE"),
        [CodingFeature.Result] = ("Results", "Ix"),
        [CodingFeature.Treatment] = ("Treatment", "Rx"),
    };

    public static string Write(IReadOnlyList<(CodingFeature Kind, string Phrase)> features, string? history, CounterRandom random)
    {
        var age = random.Between(1, 96);
        var spelt = features.Select(feature => (feature.Kind, Phrase: Misspell(feature.Phrase, random))).ToList();
        var past = history is null ? null : Misspell(history, random);
        return random.Next(4) switch
        {
            0 => Narrative(spelt, past, age, random),
            1 => Form(spelt, past, age, random.Pick(["\n", "; "])),
            2 => Telegraph(spelt, past, age),
            _ => string.Join(random.Pick([", ", " / "]), random.Shuffled(spelt.Select(feature => feature.Phrase))) + (past is null ? "" : $", known {past}"),
        };
    }

    private static string Narrative(List<(CodingFeature Kind, string Phrase)> features, string? past, int age, CounterRandom random)
    {
        var sentences = features.Select(feature => string.Format(System.Globalization.CultureInfo.InvariantCulture, random.Pick(Sentences[feature.Kind]), feature.Phrase, age));
        return string.Join(' ', past is null ? sentences : sentences.Append($"Known for {past}."));
    }

    private static string Form(List<(CodingFeature Kind, string Phrase)> features, string? past, int age, string separator) =>
        $"Age: {age}{separator}" + string.Join(separator, features.Select(feature => $"{Labels[feature.Kind].Long}: {feature.Phrase}")) + (past is null ? "" : $"{separator}History: {past}");

    private static string Telegraph(List<(CodingFeature Kind, string Phrase)> features, string? past, int age) =>
        $"{age}y. " + (past is null ? "" : $"PMH {past}. ") + string.Join(". ", features.Select(feature => $"{Labels[feature.Kind].Short} {feature.Phrase}")) + ".";

    // A letter left out or two swapped; the first and the last stay, so that words remain recognisable.
    private static string Misspell(string phrase, CounterRandom random) => string.Join(' ', phrase.Split(' ').Select(word =>
    {
        if (word.Length < ShortestMisspelt || !random.Chance(Misspelt))
        {
            return word;
        }

        var at = random.Between(1, word.Length - 3);
        return random.Chance(0.5) ? word.Remove(at, 1) : word[..at] + word[at + 1] + word[at] + word[(at + 2)..];
    }));
}
