namespace FederatedDpLlm.Models.Training.Corpus.Coding;

/// <summary>
/// Which phrase goes with which of 160 conditions, and how often: one fixed world that all notes come from. Within a chapter conditions share their phrases,
/// so that no single phrase tells the code and only the whole note does; a note's features are independent given its conditions, which makes the best
/// possible answer a sum over 160 codes.
/// </summary>
public sealed class CodingWorld
{
    /// <summary>The share of notes whose recorded code is another one of the chapter.</summary>
    public const double LabelNoise = 0.04;

    /// <summary>The chance of a feature, when the patient is known for a second condition, to come from that one.</summary>
    public const double SharedByComorbidity = 0.3;

    private const double MostTypical = 0.80;
    private const double SecondTypical = 0.10;
    private const double SameChapter = 0.05;
    private const double Elsewhere = 0.05;
    private const int CodesOfChapter = 10;
    private const ulong Seed = 160;
    private static readonly CodingFeature[] Kinds = Enum.GetValues<CodingFeature>();

    private readonly Dictionary<string, double>[][] _chances;

    private CodingWorld()
    {
        Conditions = [.. ClinicalChapters.All.SelectMany(chapter => chapter.Named)];
        _chances = [.. ClinicalChapters.All.SelectMany((chapter, index) => Profiles(chapter, index))];
    }

    /// <summary>The one world.</summary>
    public static CodingWorld Instance { get; } = new();

    /// <summary>Names and codes, chapter by chapter.</summary>
    public IReadOnlyList<(string Name, string Code)> Conditions { get; }

    /// <summary>The chance of a phrase given a condition.</summary>
    internal double Chance(int condition, CodingFeature kind, string phrase) => _chances[condition][(int)kind].GetValueOrDefault(phrase);

    internal string Draw(int condition, CodingFeature kind, CounterRandom random)
    {
        var left = random.NextDouble();
        foreach (var (phrase, chance) in _chances[condition][(int)kind])
        {
            if ((left -= chance) < 0)
            {
                return phrase;
            }
        }

        return _chances[condition][(int)kind].Keys.First();
    }

    /// <summary>What the note's clerk records for a condition: mostly its code.</summary>
    internal static int Record(int condition, CounterRandom random)
    {
        if (!random.Chance(LabelNoise))
        {
            return condition;
        }

        var other = random.Next(CodesOfChapter - 1);
        var first = condition / CodesOfChapter * CodesOfChapter;
        return first + other + (first + other >= condition ? 1 : 0);
    }

    /// <summary>The chance of each recorded code given all that a note says: the posterior of the condition (uniform before), then the clerk's error.</summary>
    public IReadOnlyList<double> Posterior(CodingCase note)
    {
        ArgumentNullException.ThrowIfNull(note);
        var conditions = Enumerable.Range(0, Conditions.Count).Select(condition => Likelihood(condition, note)).ToArray();
        var total = conditions.Sum();
        var recorded = new double[conditions.Length];
        for (var first = 0; first < conditions.Length; first += CodesOfChapter)
        {
            var chapter = conditions.AsSpan(first, CodesOfChapter).ToArray().Sum();
            for (var code = first; code < first + CodesOfChapter; code++)
            {
                recorded[code] = ((1 - LabelNoise) * conditions[code] + LabelNoise * (chapter - conditions[code]) / (CodesOfChapter - 1)) / total;
            }
        }

        return recorded;
    }

    private double Likelihood(int condition, CodingCase note) => note.Features.Aggregate(1.0, (product, feature) => product * (note.KnownFor is { } known
        ? (1 - SharedByComorbidity) * Chance(condition, feature.Kind, feature.Phrase) + SharedByComorbidity * Chance(known, feature.Kind, feature.Phrase)
        : Chance(condition, feature.Kind, feature.Phrase)));

    // Each kind deals its phrases to the chapter's conditions afresh, so that two conditions rarely share more than one typical phrase.
    private static IEnumerable<Dictionary<string, double>[]> Profiles(ClinicalChapter chapter, int index)
    {
        var random = new CounterRandom(Seed, (ulong)index);
        var dealt = Kinds.Select(kind => random.Shuffled(Enumerable.Range(0, CodesOfChapter))).ToList();
        return [.. Enumerable.Range(0, CodesOfChapter).Select(code => Kinds.Select(kind => Profile(chapter, kind, dealt[(int)kind][code], random)).ToArray())];
    }

    private static Dictionary<string, double> Profile(ClinicalChapter chapter, CodingFeature kind, int dealt, CounterRandom random)
    {
        var own = chapter.Phrases(kind);
        var elsewhere = kind == CodingFeature.Complaint
            ? ClinicalChapters.GeneralComplaints.Split('|')
            : ClinicalChapters.All.Where(other => other != chapter).SelectMany(other => other.Phrases(kind)).Distinct().Except(own).ToArray();
        var typical = dealt % own.Count;
        var second = (typical + 1 + random.Next(own.Count - 1)) % own.Count;
        var profile = new Dictionary<string, double>(StringComparer.Ordinal);
        for (var i = 0; i < own.Count; i++)
        {
            profile[own[i]] = SameChapter / own.Count + (i == typical ? MostTypical : 0) + (i == second ? SecondTypical : 0);
        }

        foreach (var phrase in elsewhere)
        {
            profile[phrase] = Elsewhere / elsewhere.Length;
        }

        return profile;
    }
}
