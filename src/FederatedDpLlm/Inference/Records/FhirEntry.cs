namespace FederatedDpLlm.Inference.Records;

/// <summary>One FHIR resource, told as text.</summary>
internal sealed record FhirEntry(string Text, DateOnly? Date, IReadOnlyList<string> Codes, bool IsDocument = false);
