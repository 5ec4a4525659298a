namespace FederatedDpLlm.Budgets;

/// <summary>What became of a request id. Stored as these numbers; an id is never forgotten.</summary>
internal enum ReservationState
{
    Open = 0,
    Committed = 1,
    Released = 2,
    Recovered = 3,
}
