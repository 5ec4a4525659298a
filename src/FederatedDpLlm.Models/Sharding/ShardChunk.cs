namespace FederatedDpLlm.Models.Sharding;

/// <summary>Tokens of one session that a sharded pass computes.</summary>
/// <param name="Session">The session; every shard keeps a cache for it.</param>
/// <param name="Position">The first token's place in its sequence.</param>
/// <param name="Tokens">At least one; together at most <see cref="ShardWork.MostRows"/> in a pass.</param>
/// <param name="AllLogits">Whether logits are wanted after every token and not only after the last.</param>
public sealed record ShardChunk(Guid Session, int Position, ReadOnlyMemory<int> Tokens, bool AllLogits = false);
