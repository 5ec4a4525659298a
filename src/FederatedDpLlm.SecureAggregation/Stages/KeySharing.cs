namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>A client's commitments and its encrypted shares.</summary>
/// <param name="Frame">Signed: the commitments, and the hash of every envelope.</param>
/// <param name="Envelopes">One for each neighbour, in ascending order of the neighbours.</param>
public sealed record KeySharing(ReadOnlyMemory<byte> Frame, IReadOnlyList<ReadOnlyMemory<byte>> Envelopes);
