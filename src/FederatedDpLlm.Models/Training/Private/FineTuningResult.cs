using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Models.Training.Private;

/// <summary>What a private fine-tuning released.</summary>
/// <param name="Epsilon">At the plan's delta.</param>
/// <param name="NoiseMultiplier">Deviation of the noise over what one patient can change.</param>
/// <param name="Released">The event, for an accountant or a ledger.</param>
/// <param name="Patients">How many there were.</param>
/// <param name="Statement">What stands beside the adapter for whoever serves it.</param>
public sealed record FineTuningResult(double Epsilon, double NoiseMultiplier, PrivacyEvent Released, int Patients, AdapterStatement Statement);
