namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>What a committee member is shown of an upload: enough to add up itself what it answers.</summary>
/// <param name="Header">The upload's signed header.</param>
/// <param name="SecondPart">The part of the encrypted key that answers multiply.</param>
public sealed record CommitteeCiphertext(ReadOnlyMemory<byte> Header, ReadOnlyMemory<byte> SecondPart);
