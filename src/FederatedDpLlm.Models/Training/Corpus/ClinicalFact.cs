namespace FederatedDpLlm.Models.Training.Corpus;

/// <summary>One thing that a note says of its patient.</summary>
/// <param name="Field">What it is about, as questions name it: <c>diagnosis</c>, <c>treatment</c>, or a free label.</param>
/// <param name="Value">The words that answer.</param>
public sealed record ClinicalFact(string Field, string Value);
