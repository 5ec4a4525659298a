using System.Globalization;

namespace FederatedDpLlm.Models.Training.Corpus;

/// <summary>
/// The lessons that teach a model to answer from its context: clinical notes, records with free labels and made-up values, and dialogues labelled with a
/// section. Lesson n of a seed is always the same.
/// </summary>
internal sealed class ReadingLessons(ulong seed)
{
    private const double ListedOptionsShare = 0.2;

    /// <param name="step">The training's step.</param>
    /// <param name="number">Of the lesson within the step.</param>
    /// <param name="difficulty">The share of lessons with several records.</param>
    /// <param name="questions">Most questions of a lesson.</param>
    public ReadingLesson Lesson(ulong step, ulong number, double difficulty, int questions)
    {
        var random = new CounterRandom(seed, step, number);
        var records = random.Chance(difficulty) ? random.Between(2, 3) : 1;
        return random.Next(10) switch
        {
            < 5 => Clinical(records, questions, random),
            < 7 => Free(records, questions, random),
            < 9 => Copying(records, questions, random),
            _ => Dialogues(random),
        };
    }

    // A whole note as the answer: many tokens of pure copying, of which the first must find the right patient's note.
    private static ReadingLesson Copying(int count, int questions, CounterRandom random)
    {
        var notes = random.Chance(0.5) ? ClinicalCorpus.Notes(count, random) : FreeNotes(count, random);
        var asked = random.Pick(notes);
        var question = count == 1 && random.Chance(0.5) ? "Copy the note." : $"Copy the note of {asked.Name}.";
        return new ReadingLesson([.. notes.Select(note => note.Text)], [(question, asked.Text), .. Exchanges(notes, questions, random).Take(3)]);
    }

    private static ReadingLesson Clinical(int count, int questions, CounterRandom random)
    {
        var notes = ClinicalCorpus.Notes(count, random);
        return new ReadingLesson([.. notes.Select(note => note.Text)], Exchanges(notes, questions, random));
    }

    private static ReadingLesson Free(int count, int questions, CounterRandom random)
    {
        var notes = FreeNotes(count, random);
        return new ReadingLesson([.. notes.Select(note => note.Text)], Exchanges(notes, questions, random));
    }

    private static IReadOnlyList<ClinicalRecord> FreeNotes(int count, CounterRandom random)
    {
        var labels = new HashSet<string>(StringComparer.Ordinal);
        var wanted = count == 1 ? random.Between(3, 8) : random.Between(2, 4);
        while (labels.Count < wanted)
        {
            labels.Add(FactValues.Label(random));
        }

        return [.. Enumerable.Range(0, count).Select(_ => ClinicalCorpus.Draw("P", random.Shuffled(labels), random))];
    }

    private static List<(string, string)> Exchanges(IReadOnlyList<ClinicalRecord> notes, int questions, CounterRandom random)
    {
        var facts = notes.SelectMany(note => note.Facts.Select(fact => (Note: note, Fact: fact)));
        return [.. random.Shuffled(facts).Take(questions).Select(one => Exchange(one.Note, one.Fact, notes, random))];
    }

    private static (string, string) Exchange(ClinicalRecord note, ClinicalFact fact, IReadOnlyList<ClinicalRecord> notes, CounterRandom random)
    {
        if (random.Chance(0.1) && notes.Count(other => other.Facts.Any(one => one.Value == fact.Value)) == 1)
        {
            return (string.Format(CultureInfo.InvariantCulture, random.Pick(["Which patient has the {0} {1}?", "Whose {0} is {1}?"]), fact.Field, fact.Value), note.Name);
        }

        var question = ClinicalCorpus.Ask(fact.Field, note.Name, notes.Count > 1, random);
        return random.Chance(ListedOptionsShare) ? (question + Listed(fact, random), fact.Value) : (question, fact.Value);
    }

    private static string Listed(ClinicalFact fact, CounterRandom random)
    {
        var options = random.Shuffled([fact.Value, FactValues.Draw(fact.Field, random), FactValues.Draw(fact.Field, random), FactValues.Draw(fact.Field, random)]);
        return " Options: " + string.Join(", ", options) + ".";
    }

    // Half of the time sections have names of this lesson only: the label of the record on the same topic is the answer.
    private static ReadingLesson Dialogues(CounterRandom random)
    {
        var topics = random.Shuffled(Enumerable.Range(0, ClinicalTerms.Topics.Length)).Take(random.Between(1, 3)).ToList();
        var renamed = random.Chance(0.5);
        var names = topics.Select(topic => renamed ? FactValues.Word(random).ToUpperInvariant() : ClinicalTerms.Topics[topic].Section).ToList();
        var separator = random.Pick([" ", "\n", " Section: "]);
        var records = topics.Select((topic, i) => Dialogue(topic, random) + separator + names[i]).ToList();
        var asked = random.Next(topics.Count);
        var question = random.Pick(["Which note section is this dialogue about?", "Which section is this about?", "Section?", "What is the section of this dialogue?"]);
        var dialogue = Dialogue(topics[asked], random);
        return new ReadingLesson(records, [(random.Chance(0.5) ? $"{question}\n{dialogue}" : $"{dialogue}\n{question}", names[asked])]);
    }

    private static string Dialogue(int topic, CounterRandom random)
    {
        var (_, doctor, patient) = ClinicalTerms.Topics[topic];
        return string.Join("\n", Enumerable.Range(0, random.Between(1, random.Chance(0.15) ? 10 : 3)).Select(_ => $"Doctor: {random.Pick(doctor)}\nPatient: {random.Pick(patient)}"));
    }
}
