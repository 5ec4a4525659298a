namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>What a signed message is for; part of what is signed.</summary>
internal enum MessageKind : byte
{
    Advertisement = 1,
    Sharing = 2,
    Upload = 3,
    Confirmation = 4,
    Unmasking = 5,
    SumCommitment = 16,
}
