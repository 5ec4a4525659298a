namespace FederatedDpLlm.Budgets;

/// <summary>An open reservation.</summary>
/// <param name="RequestId">Its request.</param>
/// <param name="Entry">The audit entry that admitted it.</param>
/// <param name="Holds">What it holds, in the order asked.</param>
internal sealed record Reservation(string RequestId, long Entry, IReadOnlyList<Hold> Holds);
