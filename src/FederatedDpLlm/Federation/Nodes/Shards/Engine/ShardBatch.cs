using FederatedDpLlm.Models.Sharding;

namespace FederatedDpLlm.Federation.Nodes.Shards.Engine;

/// <summary>
/// The token sequences of one question over a cluster, a pass over as many of them at once as a request to a shard holds: the voters of one prompt. Like a session it keeps the ids, so that
/// a lost shard costs time only. One call at a time.
/// </summary>
internal sealed class ShardBatch : IDisposable
{
    private readonly ShardCluster _cluster;
    private readonly ShardFollower _follower;
    private readonly List<Sequence> _sequences;

    /// <param name="cluster">Where it is computed.</param>
    /// <param name="request">The request's id.</param>
    /// <param name="actor">On whose behalf.</param>
    /// <param name="contexts">At least one, each of at least one token and no longer than the context.</param>
    public ShardBatch(ShardCluster cluster, string request, string actor, IEnumerable<IReadOnlyList<int>> contexts)
    {
        (_cluster, _follower) = (cluster, new ShardFollower(cluster, request, actor));
        _sequences = [.. contexts.Select(context => new Sequence(context))];
        _sequences.ForEach(Require);
    }

    /// <summary>Number of sequences.</summary>
    public int Count => _sequences.Count;

    /// <summary>Where it is computed.</summary>
    public ShardCluster Cluster => _cluster;

    /// <summary>What every sequence holds.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Contexts => [.. _sequences.Select(sequence => sequence.Tokens)];

    /// <summary>Appends the same tokens to every sequence; nothing is computed yet.</summary>
    /// <exception cref="Models.Llama.ContextOverflowException">A sequence would grow beyond the context; nothing was appended.</exception>
    public void Append(IReadOnlyList<int> tokens)
    {
        if (_sequences.Exists(sequence => sequence.Tokens.Count + tokens.Count > _cluster.Model.Shape.Context))
        {
            throw new Models.Llama.ContextOverflowException(_cluster.Model.Shape.Context);
        }

        _sequences.ForEach(sequence => sequence.Tokens.AddRange(tokens));
    }

    /// <summary>Takes the last tokens of every sequence back: what follows is written over them.</summary>
    public void TakeBack(int tokens) => _sequences.ForEach(sequence =>
    {
        sequence.Tokens.RemoveRange(sequence.Tokens.Count - tokens, tokens);
        sequence.Computed = Math.Min(sequence.Computed, sequence.Tokens.Count);
    });

    /// <summary>Computes what is not yet computed.</summary>
    /// <param name="wanted">After how many of each sequence's last tokens logits are wanted, at least 1; none of them may be computed yet.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>[sequence][token][vocabulary].</returns>
    /// <exception cref="ShardsUnavailableException">The nodes that are left cannot hold the model.</exception>
    public Task<float[][][]> ComputeAsync(int wanted, CancellationToken cancellationToken) => _follower.RunAsync(
        async forward =>
        {
            var logits = _sequences.ConvertAll(_ => new float[wanted][]);
            for (var pass = NextPass(wanted); pass.Count > 0; pass = NextPass(wanted))
            {
                var rows = await forward.RunAsync(pass.ConvertAll(part => part.Chunk), cancellationToken);
                HandOut(pass, rows, wanted, logits);
            }

            return logits.ToArray();
        },
        () => _sequences.ForEach(sequence => sequence.Computed = 0),
        cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _sequences.ForEach(sequence => _follower.Close(sequence.Id));

    // The next tokens of as many sequences as fit into one request; a chunk whose logits are wanted begins where they are.
    private List<Part> NextPass(int wanted)
    {
        var (pass, room) = (new List<Part>(), ShardWork.MostRows);
        for (var index = 0; index < _sequences.Count && room > 0; index++)
        {
            var sequence = _sequences[index];
            var (from, end, first) = (sequence.Computed, sequence.Tokens.Count, sequence.Tokens.Count - wanted);
            var length = Math.Min(Math.Min(from < first ? first - from : end - from, _cluster.ChunkTokens), room);
            if (length > 0)
            {
                pass.Add(new Part(index, new ShardChunk(sequence.Id, from, sequence.Tokens.Slice(from, length).ToArray(), AllLogits: from >= first)));
                room -= length;
            }
        }

        return pass;
    }

    private void HandOut(List<Part> pass, float[] rows, int wanted, List<float[][]> logits)
    {
        var (at, vocabulary) = (0, _cluster.Model.Shape.Vocabulary);
        foreach (var (index, chunk) in pass)
        {
            var sequence = _sequences[index];
            var first = sequence.Tokens.Count - wanted;
            for (var row = 0; row < (chunk.AllLogits ? chunk.Tokens.Length : 1); row++, at += vocabulary)
            {
                if (chunk.AllLogits)
                {
                    logits[index][chunk.Position + row - first] = rows.AsSpan(at, vocabulary).ToArray();
                }
            }

            sequence.Computed = chunk.Position + chunk.Tokens.Length;
        }
    }

    private void Require(Sequence sequence)
    {
        ArgumentOutOfRangeException.ThrowIfZero(sequence.Tokens.Count);
        if (sequence.Tokens.Count > _cluster.Model.Shape.Context)
        {
            throw new Models.Llama.ContextOverflowException(_cluster.Model.Shape.Context);
        }
    }

    private readonly record struct Part(int Sequence, ShardChunk Chunk);

    private sealed class Sequence(IEnumerable<int> tokens)
    {
        public Guid Id { get; } = Guid.NewGuid();

        public List<int> Tokens { get; } = [.. tokens];

        public int Computed { get; set; }
    }
}
