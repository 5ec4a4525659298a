namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>
/// One request's token sequence over a cluster. It keeps the ids, so that a lost shard costs time and nothing else: whatever the plan is now, the ids are computed again
/// and give the same bits. One call at a time.
/// </summary>
public sealed class ShardSession : IDisposable
{
    private readonly ShardCluster _cluster;
    private readonly ShardFollower _follower;
    private readonly Guid _id = Guid.NewGuid();
    private readonly List<int> _tokens = [];
    private int _computed;

    internal ShardSession(ShardCluster cluster, string request, string actor) => (_cluster, _follower) = (cluster, new ShardFollower(cluster, request, actor));

    /// <summary>The tokens so far.</summary>
    public IReadOnlyList<int> Tokens => _tokens;

    /// <summary>Appends tokens and computes what comes next, through any number of losses.</summary>
    /// <returns>The logits after the last token.</returns>
    /// <exception cref="ShardsUnavailableException">The nodes that are left cannot hold the model.</exception>
    /// <exception cref="OperationCanceledException">The caller's deadline has passed; the tokens are kept, and the next call computes them.</exception>
    /// <exception cref="Models.Llama.ContextOverflowException">The sequence would grow beyond the context.</exception>
    public async Task<float[]> AppendAsync(ReadOnlyMemory<int> tokens, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfZero(tokens.Length, nameof(tokens));
        if (_tokens.Count + tokens.Length > _cluster.Model.Shape.Context)
        {
            throw new Models.Llama.ContextOverflowException(_cluster.Model.Shape.Context);
        }

        _tokens.AddRange(tokens.Span);
        var logits = await _follower.RunAsync(
            forward => forward.PrefillAsync(_id, _computed, _tokens.Slice(_computed, _tokens.Count - _computed).ToArray(), _cluster.ChunkTokens, cancellationToken),
            () => _computed = 0,
            cancellationToken);
        _computed = _tokens.Count;
        return logits;
    }

    /// <inheritdoc/>
    public void Dispose() => _follower.Close(_id);
}
