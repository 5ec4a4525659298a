using System.Globalization;

namespace FederatedDpLlm.Models.Training.Corpus;

/// <summary>
/// An endless synthetic clinic, decided by its seed: notes, questions about given notes, choices. Values are drawn independently of each other, so that a
/// question can only be answered from its notes and never from what is usual.
/// </summary>
public sealed class ClinicalCorpus(ulong seed)
{
    private const int Options = 4;
    private const ulong RecordStream = 1;
    private const ulong QuestionStream = 2;
    private static readonly DateOnly FirstDay = new(2025, 1, 1);

    private static readonly string[] NamedQuestions =
        ["What is the {0} of {1}?", "Which {0} is recorded for {1}?", "{1}: {0}?", "Please give the {0} of {1}.", "For {1}, what is the {0}?", "What {0} does {1} have?"];

    private static readonly string[] BareQuestions = ["What is the {0}?", "Which {0} is recorded?", "{0}?", "Please give the {0}.", "What {0} does the patient have?"];

    /// <summary>The n-th patient's note: five to nine facts, always with a diagnosis and its code.</summary>
    public ClinicalRecord Record(long number)
    {
        var random = new CounterRandom(seed, RecordStream, (ulong)number);
        var others = random.Shuffled(FactValues.Fields.Where(field => field is not ("diagnosis" or "code"))).Take(random.Between(3, 7));
        return Draw(string.Create(CultureInfo.InvariantCulture, $"P{seed}-{number}"), [.. random.Shuffled([.. others, "diagnosis", "code"])], random);
    }

    /// <summary>The n-th four-way choice with <paramref name="records"/> notes in its context. The other notes' answers are among the options where there are such.</summary>
    public ChoiceQuestion Question(long number, int records)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(records, 1);
        var random = new CounterRandom(seed, QuestionStream, (ulong)records, (ulong)number);
        var notes = Notes(records, random);
        var asked = random.Pick(notes);
        var fact = random.Pick(asked.Facts);
        var options = random.Shuffled(DifferentOptions(fact, notes, random));
        return new ChoiceQuestion([.. notes.Select(note => note.Text)], Ask(fact.Field, asked.Name, records > 1, random), options, Array.IndexOf(options, fact.Value));
    }

    /// <summary>Notes that share the fields a question may be about, of different patients with different values.</summary>
    internal static IReadOnlyList<ClinicalRecord> Notes(int count, CounterRandom random)
    {
        var facts = count == 1 ? random.Between(3, 8) : random.Between(2, 5);
        var shared = random.Shuffled(FactValues.Fields).Take(facts).ToList();
        var notes = new List<ClinicalRecord>();
        while (notes.Count < count)
        {
            var note = Draw("P" + notes.Count, random.Shuffled(shared), random);
            var clash = notes.Any(other => SharesName(other, note) || other.Facts.Any(note.Facts.Contains));
            if (!clash)
            {
                notes.Add(note);
            }
        }

        return notes;
    }

    internal static string Ask(string field, string name, bool several, CounterRandom random) =>
        string.Format(CultureInfo.InvariantCulture, random.Pick(several || random.Chance(0.5) ? NamedQuestions : BareQuestions), field, name);

    internal static ClinicalRecord Draw(string patientId, IReadOnlyList<string> fields, CounterRandom random)
    {
        var name = FactValues.Name(random);
        IReadOnlyList<ClinicalFact> facts = [.. fields.Select(field => new ClinicalFact(field, FactValues.Draw(field, random)))];
        return new ClinicalRecord(patientId, name, FirstDay.AddDays(random.Next(365)), facts, NoteWriter.Write(name, facts, random));
    }

    private static bool SharesName(ClinicalRecord a, ClinicalRecord b) => a.Name.Split(' ').Intersect(b.Name.Split(' ')).Any();

    private static HashSet<string> DifferentOptions(ClinicalFact fact, IReadOnlyList<ClinicalRecord> notes, CounterRandom random)
    {
        var others = notes.SelectMany(note => note.Facts).Where(other => other.Field == fact.Field).Select(other => other.Value);
        var options = new HashSet<string>([fact.Value, .. others], StringComparer.Ordinal);
        while (options.Count < Options)
        {
            options.Add(FactValues.Draw(fact.Field, random));
        }

        return options;
    }
}
