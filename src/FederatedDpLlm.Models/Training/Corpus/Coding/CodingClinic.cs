namespace FederatedDpLlm.Models.Training.Corpus.Coding;

/// <summary>An endless stream of cases to be coded, decided by its seed.</summary>
public sealed class CodingClinic(ulong seed)
{
    private const double Present = 0.9;
    private const double Comorbid = 0.2;
    private const ulong CaseStream = 3;

    private static readonly string[] Questions =
        ["Which ICD-10 code fits this note?", "ICD-10 code?", "Code this note.", "How is this case coded?", "Which code fits?"];

    /// <summary>The n-th case.</summary>
    public CodingCase Case(long number) => Draw(new CounterRandom(seed, CaseStream, (ulong)number));

    /// <summary>The question of the n-th case, in one of several wordings.</summary>
    public string Question(long number) => Ask(new CounterRandom(seed, CaseStream, (ulong)number, 1));

    internal static string Ask(CounterRandom random) => random.Pick(Questions);

    internal static CodingCase Draw(CounterRandom random)
    {
        var world = CodingWorld.Instance;
        var condition = random.Next(world.Conditions.Count);
        int? known = random.Chance(Comorbid) ? random.Next(world.Conditions.Count) : null;
        var features = new List<(CodingFeature, string)>();
        foreach (var kind in Enum.GetValues<CodingFeature>().Where(kind => kind == CodingFeature.Complaint || random.Chance(Present)))
        {
            var source = known is { } other && random.Chance(CodingWorld.SharedByComorbidity) ? other : condition;
            features.Add((kind, world.Draw(source, kind, random)));
        }

        var history = known is { } named ? world.Conditions[named].Name : null;
        return new CodingCase(features, known, CodingWorld.Record(condition, random), CodingNoteWriter.Write(features, history, random));
    }
}
