namespace FederatedDpLlm.Security.Audit;

/// <summary>An entry exactly as its row holds it: texts are not parsed, so that no edit can hide behind a second spelling of the same value.</summary>
internal sealed record StoredAuditEntry(
    long Index,
    long UnixMilliseconds,
    string RequestId,
    string Decision,
    string Actor,
    string Details,
    IReadOnlyList<LedgerMovement> Movements,
    byte[] Previous,
    byte[] Hash);
