namespace FederatedDpLlm.Models.Training.Corpus;

/// <summary>A synthetic patient's note: invented, of nobody.</summary>
/// <param name="PatientId">Unique within its corpus.</param>
/// <param name="Name">First and last name.</param>
/// <param name="Date">When the note was written.</param>
/// <param name="Facts">What it says.</param>
/// <param name="Text">The note.</param>
public sealed record ClinicalRecord(string PatientId, string Name, DateOnly Date, IReadOnlyList<ClinicalFact> Facts, string Text)
{
    /// <summary>The diagnosis codes that the note gives.</summary>
    public IReadOnlyList<string> Codes => [.. Facts.Where(fact => fact.Field == "code").Select(fact => fact.Value)];
}
