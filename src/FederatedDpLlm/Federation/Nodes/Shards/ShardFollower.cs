using FederatedDpLlm.Models.Sharding;

namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>One request's passes over a cluster, through any number of losses: whatever the plan is by then, a pass is computed again and gives the same bits. One call at a time.</summary>
internal sealed class ShardFollower(ShardCluster cluster, string request, string actor)
{
    // None yet: the first pass, too, waits until its crossings are recorded.
    private ShardedForward? _forward;

    /// <param name="pass">Computes what is missing; asked again after a loss.</param>
    /// <param name="forget">No shard's cache of this request is of use any more.</param>
    /// <param name="cancellationToken">Ends the wait at once; what is on its way to the shards ends by their own deadlines.</param>
    /// <exception cref="ShardsUnavailableException">The nodes that are left cannot hold the model.</exception>
    public async Task<T> RunAsync<T>(Func<ShardedForward, Task<T>> pass, Action forget, CancellationToken cancellationToken)
    {
        var replayed = false;
        while (true)
        {
            try
            {
                if (cluster.Current is var current && current != _forward)
                {
                    // Recorded before the plan counts as this request's: what could not be recorded does not cross at the next attempt either.
                    await cluster.AuditCrossingsAsync(current.Plan, request, actor, cancellationToken);
                    _forward = current;
                    forget();
                }

                var result = await pass(current).WaitAsync(cancellationToken);

                // The caller goes on here, on a thread that is not a link's reader.
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
                return result;
            }
            catch (ShardLostException gap) when (gap.InnerException is ShardRefusedException { Refusal: ShardRefusal.Gap } && !replayed)
            {
                // The shard let go of this request's cache for others': it is told again.
                replayed = true;
                forget();
            }
            catch (ShardLostException lost)
            {
                await cluster.RecoverAsync(_forward!, lost.Node, cancellationToken).WaitAsync(cancellationToken);
            }
        }
    }

    /// <summary>Tells the shards to let go of a sequence.</summary>
    public void Close(Guid sequence) => _forward?.Close(sequence);
}
