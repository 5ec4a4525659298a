namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>A client's hidden update.</summary>
/// <param name="Header">Signed: the payload's length and SHA-256.</param>
/// <param name="Payload">The masked lanes (and, in the homomorphic mode, the ciphertext).</param>
public sealed record MaskedUpload(ReadOnlyMemory<byte> Header, ReadOnlyMemory<byte> Payload);
