using System.Globalization;

namespace FederatedDpLlm.Models.Training.Corpus;

/// <summary>Draws values of fields. A part of names, drugs and conditions is made of syllables, so that a model learns to copy what it has never seen.</summary>
internal static class FactValues
{
    private const double InventedShare = 0.3;

    /// <summary>The fields of clinical notes; codes and diagnoses are drawn together by the note.</summary>
    public static readonly string[] Fields =
        ["diagnosis", "code", "treatment", "department", "complaint", "allergy", "finding", "physician", "room", "age", "heart rate", "blood pressure", "temperature", "occupation"];

    public static string Draw(string field, CounterRandom random) => field switch
    {
        "diagnosis" => random.Chance(InventedShare) ? Word(random) + " " + random.Pick(["syndrome", "disease", "fever", "palsy"]) : random.Pick(ClinicalTerms.Conditions).Name,
        "code" => Code(random),
        "treatment" => random.Chance(InventedShare) ? Word(random) : random.Pick(ClinicalTerms.Treatments),
        "department" => random.Pick(ClinicalTerms.Departments),
        "complaint" => random.Pick(ClinicalTerms.Complaints),
        "allergy" => random.Pick(ClinicalTerms.Allergies),
        "finding" => random.Pick(ClinicalTerms.Findings),
        "physician" => "Dr. " + LastName(random),
        "room" => random.Between(1, 40).ToString(CultureInfo.InvariantCulture) + (char)('A' + random.Next(6)),
        "age" => random.Between(1, 98).ToString(CultureInfo.InvariantCulture),
        "heart rate" => random.Between(48, 148).ToString(CultureInfo.InvariantCulture),
        "blood pressure" => string.Create(CultureInfo.InvariantCulture, $"{random.Between(88, 199)}/{random.Between(48, 115)}"),
        "temperature" => string.Create(CultureInfo.InvariantCulture, $"{random.Between(35, 40)}.{random.Next(10)}"),
        "occupation" => random.Pick(ClinicalTerms.Occupations),
        _ => FreeValue(random),
    };

    public static string Name(CounterRandom random) => FirstName(random) + " " + LastName(random);

    public static string Word(CounterRandom random) => string.Concat(Enumerable.Range(0, random.Between(2, 3)).Select(_ => random.Pick(ClinicalTerms.Syllables)));

    public static string Label(CounterRandom random) => random.Chance(0.6) ? random.Pick(ClinicalTerms.Labels) : Word(random);

    private static string FirstName(CounterRandom random) => random.Chance(InventedShare) ? Capital(Word(random)) : random.Pick(ClinicalTerms.FirstNames);

    private static string LastName(CounterRandom random) => random.Chance(InventedShare) ? Capital(Word(random)) : random.Pick(ClinicalTerms.LastNames);

    private static string Code(CounterRandom random) =>
        string.Create(CultureInfo.InvariantCulture, $"{(char)('A' + random.Next(26))}{random.Next(10)}{random.Next(10)}.{random.Next(10)}");

    private static string FreeValue(CounterRandom random) => random.Next(6) switch
    {
        0 => Word(random),
        1 => Word(random) + " " + Word(random),
        2 => Word(random).ToUpperInvariant(),
        3 => random.Between(1, 9999).ToString(CultureInfo.InvariantCulture),
        4 => random.Pick(random.Pick<string[]>([ClinicalTerms.Complaints, ClinicalTerms.Treatments, ClinicalTerms.Departments, ClinicalTerms.Allergies])),
        _ => Capital(Word(random)),
    };

    private static string Capital(string word) => char.ToUpperInvariant(word[0]) + word[1..];
}
