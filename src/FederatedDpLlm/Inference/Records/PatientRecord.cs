namespace FederatedDpLlm.Inference.Records;

/// <summary>One record of one patient.</summary>
/// <param name="PatientId">The hospital's own identifier; it leaves the node never.</param>
/// <param name="Text">What a voter may read.</param>
/// <param name="Date">When it was written, where known.</param>
/// <param name="Codes">Codes (ICD, SNOMED, LOINC, ...), where known.</param>
public sealed record PatientRecord(string PatientId, string Text, DateOnly? Date, IReadOnlyList<string> Codes)
{
    /// <summary>Its length only: a record is not for logs.</summary>
    public override string ToString() => $"PatientRecord ({Text.Length} characters)";
}
