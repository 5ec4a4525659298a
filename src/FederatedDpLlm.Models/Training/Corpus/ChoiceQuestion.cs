namespace FederatedDpLlm.Models.Training.Corpus;

/// <summary>A question about given records, with four options of which one is right.</summary>
/// <param name="Records">The notes in the context.</param>
/// <param name="Question">As a clinician asks it.</param>
/// <param name="Options">Four different texts.</param>
/// <param name="Answer">The index of the right one.</param>
public sealed record ChoiceQuestion(IReadOnlyList<string> Records, string Question, IReadOnlyList<string> Options, int Answer);
