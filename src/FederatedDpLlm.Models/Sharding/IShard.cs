namespace FederatedDpLlm.Models.Sharding;

/// <summary>A shard as the coordinator sees it, in this process or behind a link.</summary>
public interface IShard
{
    /// <summary>Computes a request.</summary>
    /// <returns>For <see cref="ShardStepKind.Layers"/> the new stream, else the sums of the shard's nodes of the reduction tree, one after the other; valid until the shard's next request.</returns>
    /// <exception cref="ShardLostException">The shard does not answer, answers nonsense, or refuses.</exception>
    Task<ReadOnlyMemory<float>> ComputeAsync(ShardWork work, CancellationToken cancellationToken);

    /// <summary>Asks for the step behind a request that may still be computed, where the shard can go on by itself (<see cref="ShardWork.GoesOn"/>).</summary>
    /// <param name="before">The request that it goes on from.</param>
    /// <param name="work">The request.</param>
    /// <returns>As of <see cref="ComputeAsync"/>; null where it cannot: another request has come in between.</returns>
    Task<ReadOnlyMemory<float>>? TryGoOn(ShardWork before, ShardWork work) => null;

    /// <summary>Lets go of a session's cache. Best effort: a shard drops its least recently used sessions by itself.</summary>
    void Close(Guid session);
}
