namespace FederatedDpLlm.Models.Training.Corpus;

/// <summary>Writes the same facts in the styles of different hospitals.</summary>
internal static class NoteWriter
{
    private static readonly Dictionary<string, string[]> Sentences = new(StringComparer.Ordinal)
    {
        ["diagnosis"] = ["{0} was diagnosed with {1}.", "The diagnosis is {1}.", "{0} has {1}.", "Assessment: {1}."],
        ["code"] = ["The code is {1}.", "Coded as {1}.", "Code {1} was assigned."],
        ["treatment"] = ["{0} was treated with {1}.", "The treatment is {1}.", "{0} received {1}."],
        ["department"] = ["{0} was seen in {1}.", "The department is {1}.", "{0} was admitted to {1}."],
        ["complaint"] = ["{0} came with {1}.", "{0} complains of {1}.", "The complaint is {1}."],
        ["allergy"] = ["{0} is allergic to {1}.", "The allergy is {1}.", "Allergy: {1}."],
        ["finding"] = ["Examination showed {1}.", "The finding was {1}.", "{0} had {1} on examination."],
        ["physician"] = ["{0} was seen by {1}.", "The physician is {1}."],
        ["room"] = ["{0} is in room {1}.", "The room is {1}."],
        ["age"] = ["{0} is {1} years old.", "The age is {1}."],
        ["heart rate"] = ["The heart rate was {1}.", "{0} had a heart rate of {1}."],
        ["blood pressure"] = ["The blood pressure was {1}.", "{0} had a blood pressure of {1}."],
        ["temperature"] = ["The temperature was {1}.", "{0} had a temperature of {1}."],
        ["occupation"] = ["{0} works as {1}.", "The occupation is {1}."],
    };

    private static readonly Dictionary<string, string> Short = new(StringComparer.Ordinal)
    {
        ["diagnosis"] = "Dx", ["code"] = "ICD", ["treatment"] = "Tx", ["department"] = "Dept", ["complaint"] = "CC", ["allergy"] = "All", ["finding"] = "Exam",
        ["physician"] = "Seen by", ["room"] = "Rm", ["age"] = "Age", ["heart rate"] = "HR", ["blood pressure"] = "BP", ["temperature"] = "T", ["occupation"] = "Job",
    };

    public static string Write(string name, IReadOnlyList<ClinicalFact> facts, CounterRandom random) => random.Next(10) switch
    {
        < 3 => Form(name, facts, random),
        < 6 => Narrative(name, facts, random),
        < 8 => Chart(name, facts, random),
        _ => Telegraph(name, facts),
    };

    private static string Form(string name, IReadOnlyList<ClinicalFact> facts, CounterRandom random)
    {
        var separator = random.Pick(["\n", "\n", "; ", ". "]);
        var head = random.Pick(["Patient", "Name", "Patient name"]);
        return $"{head}: {name}{separator}" + string.Join(separator, facts.Select(fact => $"{Capital(fact.Field)}: {fact.Value}"));
    }

    // One row a fact, each with the patient's name, as charts are exported.
    private static string Chart(string name, IReadOnlyList<ClinicalFact> facts, CounterRandom random)
    {
        var mark = random.Pick([":", ",", " -"]);
        return string.Join(random.Pick(["\n", "; "]), facts.Select(fact => $"{name}{mark} {fact.Field}{mark} {fact.Value}"));
    }

    private static string Narrative(string name, IReadOnlyList<ClinicalFact> facts, CounterRandom random)
    {
        var sentences = new List<string>();
        foreach (var fact in facts)
        {
            var subject = random.Chance(0.4) ? name : random.Pick(["The patient", name.Split(' ')[^1]]);
            var pattern = random.Pick(Sentences.GetValueOrDefault(fact.Field) ?? [$"The {fact.Field} is {{1}}.", $"{{0}} has {fact.Field} {{1}}."]);
            sentences.Add(sentences.Count == 0
                ? Opening(name, fact, random)
                : pattern.Replace("{0}", subject, StringComparison.Ordinal).Replace("{1}", fact.Value, StringComparison.Ordinal));
        }

        return string.Join(' ', sentences);
    }

    // The first sentence always names the patient.
    private static string Opening(string name, ClinicalFact fact, CounterRandom random)
    {
        var naming = (Sentences.GetValueOrDefault(fact.Field) ?? []).Where(pattern => pattern.Contains("{0}", StringComparison.Ordinal)).ToList();
        return naming.Count > 0
            ? random.Pick(naming).Replace("{0}", name, StringComparison.Ordinal).Replace("{1}", fact.Value, StringComparison.Ordinal)
            : $"Note on {name}. {Capital(fact.Field)}: {fact.Value}.";
    }

    private static string Telegraph(string name, IReadOnlyList<ClinicalFact> facts) =>
        $"{name}. " + string.Join(", ", facts.Select(fact => $"{Short.GetValueOrDefault(fact.Field, fact.Field)} {fact.Value}")) + ".";

    private static string Capital(string word) => char.ToUpperInvariant(word[0]) + word[1..];
}
