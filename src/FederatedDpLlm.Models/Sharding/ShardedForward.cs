using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Sharding;

/// <summary>
/// The forward pass over shards. The coordinator keeps the residual stream and the reduction trees; shards compute what they hold of it. Passes of different
/// sessions may overlap, and a long prompt's chunks follow each other through the steps as micro-batches. The logits have the bits of the unsharded pass.
/// </summary>
public sealed class ShardedForward
{
    private readonly ShardedModel _model;
    private readonly IReadOnlyList<IShard> _shards;
    private readonly IReadOnlyList<ShardStep> _steps;

    /// <param name="model">The coordinator's part.</param>
    /// <param name="plan">Who holds what.</param>
    /// <param name="shards">In the order of the plan.</param>
    /// <exception cref="ShardPlanException">The plan does not fit the model or the shards.</exception>
    public ShardedForward(ShardedModel model, ShardPlan plan, IReadOnlyList<IShard> shards)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(shards);
        Plan = plan.Checked(model.Shape);
        if (shards.Count != plan.Shards.Count || plan.Manifest != model.Manifest.Root)
        {
            throw new ShardPlanException("The plan is for other shards or for another model.");
        }

        (_model, _shards, _steps) = (model, shards, ShardStep.Of(plan, model.Shape));
    }

    /// <summary>Who holds what.</summary>
    public ShardPlan Plan { get; }

    /// <summary>Computes one pass.</summary>
    /// <returns>The wanted logits, one vocabulary after the other, in the order of the chunks.</returns>
    /// <exception cref="ShardLostException">A shard is lost: the sessions' caches are of no further use.</exception>
    /// <exception cref="ContextOverflowException">A session would grow beyond the context.</exception>
    public Task<float[]> RunAsync(IReadOnlyList<ShardChunk> chunks, CancellationToken cancellationToken) =>
        RunAsync(chunks, previous: null, new StepTurns(_steps.Count), cancellationToken);

    /// <summary>Computes a session's tokens in chunks of a given size. With a plan that pipelines, each chunk is a micro-batch: it enters a step as soon as the one before has left it.</summary>
    /// <returns>The logits after the last token.</returns>
    public async Task<float[]> PrefillAsync(Guid session, int position, ReadOnlyMemory<int> tokens, int chunkTokens, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(chunkTokens is > 0 and <= ShardWork.MostRows, true, nameof(chunkTokens));
        ArgumentOutOfRangeException.ThrowIfZero(tokens.Length, nameof(tokens));
        var inFlight = new List<Task<float[]>>();
        StepTurns? previous = null;
        for (var start = 0; start < tokens.Length; start += chunkTokens)
        {
            var turns = new StepTurns(_steps.Count);
            var chunk = new ShardChunk(session, position + start, tokens.Slice(start, Math.Min(chunkTokens, tokens.Length - start)));
            inFlight.Add(RunAsync([chunk], previous, turns, cancellationToken, wantLogits: start + chunkTokens >= tokens.Length));
            previous = turns;
            if (Plan.Strategy is not (ShardStrategy.Pipeline or ShardStrategy.TensorPipeline))
            {
                await inFlight[^1];
            }
        }

        return (await Task.WhenAll(inFlight))[^1];
    }

    /// <summary>Tells every shard to let go of a session.</summary>
    public void Close(Guid session)
    {
        foreach (var shard in _shards)
        {
            shard.Close(session);
        }
    }

    private async Task<float[]> RunAsync(
        IReadOnlyList<ShardChunk> chunks, StepTurns? previous, StepTurns mine, CancellationToken cancellationToken, bool wantLogits = true)
    {
        try
        {
            ShardRows[] rows = [.. chunks.Select(chunk => new ShardRows(chunk.Session, chunk.Position, chunk.Tokens.Length))];
            var stream = await new ShardedPass(Plan, part => _model.Shape.Slices(part), _shards, _steps, rows, Embed(chunks)).RunAsync(previous, mine, cancellationToken);
            return wantLogits ? Project(chunks, stream) : [];
        }
        catch (Exception failure)
        {
            mine.Fail(failure);
            throw;
        }
    }

    private float[] Embed(IReadOnlyList<ShardChunk> chunks)
    {
        var shape = _model.Shape;
        var stream = new float[chunks.Sum(chunk => chunk.Tokens.Length) * shape.Width];
        var at = 0;
        foreach (var chunk in chunks)
        {
            if (chunk.Position + chunk.Tokens.Length > shape.Context)
            {
                throw new ContextOverflowException(shape.Context);
            }

            foreach (var token in chunk.Tokens.Span)
            {
                ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)token, (uint)shape.Vocabulary, nameof(chunks));
            }

            _model.Edges.Embed(chunk.Tokens.Span, stream.AsSpan(at));
            at += chunk.Tokens.Length * shape.Width;
        }

        return stream;
    }

    private unsafe float[] Project(IReadOnlyList<ShardChunk> chunks, float[] stream)
    {
        var (wanted, row) = (new List<int>(), 0);
        foreach (var chunk in chunks)
        {
            var first = chunk.AllLogits ? 0 : chunk.Tokens.Length - 1;
            wanted.AddRange(Enumerable.Range(row + first, chunk.Tokens.Length - first));
            row += chunk.Tokens.Length;
        }

        var normed = new FloatBuffer(wanted.Count * _model.Shape.Width);
        var logits = new float[wanted.Count * _model.Shape.Vocabulary];
        fixed (float* from = stream)
        fixed (float* to = logits)
        {
            _model.Edges.Project(from, wanted.ToArray(), normed.Pointer, to);
        }

        GC.KeepAlive(normed);
        return logits;
    }
}
