namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>What the coordinator hands on of a client's sharing: the signed part, and the one envelope that is for the reader.</summary>
public sealed record RelayedSharing(ReadOnlyMemory<byte> Frame, ReadOnlyMemory<byte> Envelope);
