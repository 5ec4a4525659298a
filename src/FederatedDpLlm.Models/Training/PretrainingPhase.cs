namespace FederatedDpLlm.Models.Training;

/// <summary>A stretch of a pretraining, in which lessons are mixed in one way.</summary>
/// <param name="FromStep">Its first step.</param>
/// <param name="CodingShare">The share of lessons that ask for the code of a case; the others are about reading notes.</param>
/// <param name="Difficulty">The share of reading lessons with several records.</param>
/// <param name="Questions">Most questions of a reading lesson.</param>
public sealed record PretrainingPhase(int FromStep, double CodingShare, double Difficulty, int Questions);
