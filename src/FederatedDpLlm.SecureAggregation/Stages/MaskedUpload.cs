namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>A client's hidden update.</summary>
/// <param name="Header">Signed: the payload's length and hash.</param>
/// <param name="Payload">The masked lanes (and, in the homomorphic mode, the ciphertext).</param>
public sealed record MaskedUpload(ReadOnlyMemory<byte> Header, ReadOnlyMemory<byte> Payload);
