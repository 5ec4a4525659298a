namespace FederatedDpLlm.Security.Audit;

/// <summary>
/// One decision, as the audit log keeps it: who, what, what it cost, what came of it. Never a prompt, an answer, or patient data.
/// </summary>
/// <param name="RequestId">The request that the decision is about.</param>
/// <param name="Decision">What was decided.</param>
/// <param name="Actor">The user, or the peer (a node, the router) on whose behalf it was decided.</param>
/// <param name="Details">Identifiers and numbers only: department, purpose, mechanism, strategy, node, epsilon, reason code.</param>
public sealed record AuditRecord(string RequestId, AuditDecision Decision, string Actor, IReadOnlyDictionary<string, string> Details);
