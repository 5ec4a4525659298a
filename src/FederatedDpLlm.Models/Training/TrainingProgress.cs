namespace FederatedDpLlm.Models.Training;

/// <summary>Where a training stands after a step.</summary>
/// <param name="Step">From 1.</param>
/// <param name="Steps">Of the whole training.</param>
/// <param name="Loss">Mean weighted loss of the step's examples before the step, in nats per token.</param>
/// <param name="Tokens">Tokens learnt from so far.</param>
/// <param name="GradientNorm">Before clipping.</param>
public sealed record TrainingProgress(int Step, int Steps, double Loss, long Tokens, double GradientNorm);
