using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Simulation;

/// <summary>One message that reached the coordinator.</summary>
/// <param name="Stage">The stage it belongs to.</param>
/// <param name="Client">Its sender.</param>
/// <param name="SizeBytes">Its length.</param>
public sealed record RoundProgress(CoordinatorStage Stage, int Client, long SizeBytes);
