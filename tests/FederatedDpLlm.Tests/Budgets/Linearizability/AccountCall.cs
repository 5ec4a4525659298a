namespace FederatedDpLlm.Tests.Budgets.Linearizability;

/// <summary>A call on one account, with what it was answered.</summary>
internal sealed record AccountCall(LedgerStepKind Kind, string RequestId, long Units, string Answer);
