using FederatedDpLlm.Models.Sharding;

namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>
/// One request's token sequence over a cluster. It keeps the ids, so that a lost shard costs time and nothing else: whatever the plan is now, the ids are computed again
/// and give the same bits. One call at a time.
/// </summary>
public sealed class ShardSession : IDisposable
{
    private readonly ShardCluster _cluster;
    private readonly string _request;
    private readonly string _actor;
    private readonly Guid _id = Guid.NewGuid();
    private readonly List<int> _tokens = [];
    private ShardedForward _forward;
    private int _computed;

    internal ShardSession(ShardCluster cluster, string request, string actor) => (_cluster, _request, _actor, _forward) = (cluster, request, actor, cluster.Current);

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
        var replayed = false;
        while (true)
        {
            try
            {
                await FollowPlanAsync(cancellationToken);
                // A caller's own deadline ends its wait at once; what is on its way to the shards ends by theirs.
                var pass = _forward.PrefillAsync(_id, _computed, _tokens.Slice(_computed, _tokens.Count - _computed).ToArray(), _cluster.ChunkTokens, cancellationToken);
                var logits = await pass.WaitAsync(cancellationToken);
                _computed = _tokens.Count;

                // The caller goes on here, on a thread that is not a link's reader.
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
                return logits;
            }
            catch (ShardLostException gap) when (gap.InnerException is ShardRefusedException { Refusal: ShardRefusal.Gap } && !replayed)
            {
                // The shard let go of this session's cache for others': it is told again.
                (_computed, replayed) = (0, true);
            }
            catch (ShardLostException lost)
            {
                await _cluster.RecoverAsync(_forward, lost.Node, cancellationToken).WaitAsync(cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _forward.Close(_id);

    private async Task FollowPlanAsync(CancellationToken cancellationToken)
    {
        if (_cluster.Current is var current && current != _forward)
        {
            (_forward, _computed) = (current, 0);
            await _cluster.AuditCrossingsAsync(current.Plan, _request, _actor, cancellationToken);
        }
    }
}
