namespace FederatedDpLlm.Models.Training.Private;

/// <summary>Where a private training stands after a step. Loss, clipped share and number of examples are of private data: for the hospital's own eyes, never part of a release.</summary>
/// <param name="Step">From 1.</param>
/// <param name="Steps">Of the whole training.</param>
/// <param name="Examples">That took part in the step.</param>
/// <param name="Loss">Their mean loss before the step, nats a token; NaN for a step without examples.</param>
/// <param name="ClippedShare">The share of them whose gradient was longer than the clip norm.</param>
/// <param name="Tokens">Learnt from so far.</param>
/// <param name="Epsilon">Spent so far at the options' delta.</param>
public sealed record PrivateTrainingProgress(int Step, int Steps, int Examples, double Loss, double ClippedShare, long Tokens, double Epsilon);
