namespace FederatedDpLlm.Security.Audit;

/// <summary>One line of the log as it was appended.</summary>
/// <param name="Index">Counts from 0 without a gap.</param>
/// <param name="Time">The ledger's clock (never earlier than the entry before it), in whole milliseconds.</param>
/// <param name="Record">The decision.</param>
/// <param name="Movements">What the decision did to the accounts, in the order asked.</param>
public sealed record AuditEntry(long Index, DateTimeOffset Time, AuditRecord Record, IReadOnlyList<LedgerMovement> Movements);
