namespace FederatedDpLlm.Security.Audit;

/// <summary>
/// What one decision did to one account, in the account's integer units of 2^-50. A hold is (+held, 0); a settlement gives the whole hold back and
/// charges what ran: (-held, spent).
/// </summary>
/// <param name="Account">The account's name.</param>
/// <param name="WindowStart">The start of the window that it counts in, in Unix seconds; 0 where the account never refills.</param>
/// <param name="Held">Change of what is reserved.</param>
/// <param name="Spent">Change of what is spent; never negative.</param>
public readonly record struct LedgerMovement(string Account, long WindowStart, long Held, long Spent);
