using FederatedDpLlm.Models.KvCache;

namespace FederatedDpLlm.Models.Llama;

/// <summary>Tokens that a forward pass appends to a sequence.</summary>
/// <param name="Sequence">Grows by the tokens.</param>
/// <param name="Tokens">At least one.</param>
/// <param name="Logits">After which of them logits are wanted.</param>
internal readonly record struct SequenceChunk(KvSequence Sequence, ReadOnlyMemory<int> Tokens, LogitsWanted Logits);
