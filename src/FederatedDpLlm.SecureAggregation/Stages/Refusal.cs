namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>A refusal, for the host's eyes.</summary>
/// <param name="Code">Why.</param>
/// <param name="Blamed">The client at fault, by its place on the roster, where the protocol proves it; null where nobody or the coordinator is.</param>
public sealed record Refusal(RefusalCode Code, int? Blamed = null);
