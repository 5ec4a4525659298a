namespace FederatedDpLlm.Models.Training.Corpus;

/// <summary>Records, and questions about them with their answers: what a model learns to read from.</summary>
/// <param name="Records">The notes.</param>
/// <param name="Exchanges">Question and answer, in turn.</param>
internal sealed record ReadingLesson(IReadOnlyList<string> Records, IReadOnlyList<(string Question, string Answer)> Exchanges);
