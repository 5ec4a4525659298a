namespace FederatedDpLlm.Budgets;

/// <summary>What the store keeps of a request id for ever.</summary>
/// <param name="RequestId">The request.</param>
/// <param name="State">What became of it.</param>
/// <param name="Entry">The audit entry that admitted it; its movements are the holds.</param>
internal readonly record struct ReservationRow(string RequestId, ReservationState State, long Entry);
