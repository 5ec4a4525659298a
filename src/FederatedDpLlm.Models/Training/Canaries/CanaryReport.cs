namespace FederatedDpLlm.Models.Training.Canaries;

/// <summary>The same fine-tuning with and without noise, side by side, and the model before it.</summary>
/// <param name="Untrained">The base model: what chance gives.</param>
/// <param name="WithoutPrivacy">Clipped, but without noise.</param>
/// <param name="WithPrivacy">With noise.</param>
/// <param name="Delta">Of the promise.</param>
/// <param name="NoiseMultiplier">Of the private training.</param>
public sealed record CanaryReport(CanaryOutcome Untrained, CanaryOutcome WithoutPrivacy, CanaryOutcome WithPrivacy, double Delta, double NoiseMultiplier);
