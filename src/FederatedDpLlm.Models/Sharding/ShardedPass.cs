namespace FederatedDpLlm.Models.Sharding;

/// <summary>
/// One pass's way through the steps of a plan. Where a step is one of two shards and the other's sums are there first, the next step is asked for ahead: the late shard gets
/// those sums in place of the stream and goes on by itself. So a step costs one way over the link and not two.
/// </summary>
internal sealed class ShardedPass(
    ShardPlan plan, Func<LayerPart, int> slices, IReadOnlyList<IShard> shards, IReadOnlyList<ShardStep> steps, ShardRows[] rows, float[] stream)
{
    // Asked ahead, a shard may still be sending its answer while it is sent the next request: both have to fit into the sockets' buffers.
    private const int LargestAhead = 8192;
    private readonly PartialSums _sums = new();
    private float[] _stream = stream;
    private ShardWork? _workAhead;
    private Task<ReadOnlyMemory<float>>? _answerAhead;

    /// <summary>Takes every step, each behind the chunk before.</summary>
    /// <returns>The residual stream after the last layer.</returns>
    /// <exception cref="ShardLostException">A shard is lost.</exception>
    public async Task<float[]> RunAsync(StepTurns? previous, StepTurns mine, CancellationToken cancellationToken)
    {
        for (var step = 0; step < steps.Count; step++)
        {
            if (previous is not null)
            {
                await previous.DoneAsync(step);
            }

            var next = step + 1 < steps.Count && previous?.DoneAsync(step + 1).IsCompleted != false ? steps[step + 1] : null;
            await (steps[step].Kind == ShardStepKind.Layers ? PassOnAsync(steps[step], cancellationToken) : AddAsync(steps[step], next, cancellationToken));
            mine.Finish(step);
        }

        return _stream;
    }

    private async Task PassOnAsync(ShardStep step, CancellationToken cancellationToken)
    {
        var answer = await shards[step.Shards[0]].ComputeAsync(Work(step), cancellationToken);
        _stream = Expect(answer, _stream.Length, step.Shards[0]).ToArray();
    }

    private async Task AddAsync(ShardStep step, ShardStep? next, CancellationToken cancellationToken)
    {
        // All at once; a shard in this process comes last in a plan, so that the others compute beside it.
        var work = Work(step);
        var (first, asked) = (_workAhead ?? work, new Task<ReadOnlyMemory<float>>[step.Shards.Count]);
        for (var index = 0; index < asked.Length; index++)
        {
            asked[index] = index == 0 && _answerAhead is not null ? _answerAhead : shards[step.Shards[index]].ComputeAsync(work, cancellationToken);
        }

        AskAhead(first, step, next, asked);
        var answers = await Task.WhenAll(asked);
        var part = step.Kind.Part();
        _sums.Begin(slices(part), _stream.Length);
        for (var index = 0; index < answers.Length; index++)
        {
            _sums.Place(step.Nodes[index], Expect(answers[index], step.Nodes[index].Count * _stream.Length, step.Shards[index]).Span);
        }

        _sums.AddTo(_stream);
    }

    private void AskAhead(ShardWork before, ShardStep step, ShardStep? next, Task<ReadOnlyMemory<float>>[] asked)
    {
        (_workAhead, _answerAhead) = (null, null);
        if (asked is [_, { IsCompletedSuccessfully: true } here] && next is not null && next.Shards.SequenceEqual(step.Shards)
            && _stream.Length * Math.Max(step.Nodes[0].Count, step.Nodes[1].Count) <= LargestAhead)
        {
            var work = new ShardWork(next.Kind, next.FirstLayer, next.EndLayer, rows, here.Result, GoesOn: true);
            if (shards[step.Shards[0]].TryGoOn(before, work) is { } answer)
            {
                (_workAhead, _answerAhead) = (work, answer);
            }
        }
    }

    private ShardWork Work(ShardStep step) => new(step.Kind, step.FirstLayer, step.EndLayer, rows, _stream);

    private ReadOnlyMemory<float> Expect(ReadOnlyMemory<float> answer, int floats, int shard) => answer.Length == floats
        ? answer
        : throw new ShardLostException(plan.Shards[shard].Node, $"its answer has {answer.Length} values, not {floats}");
}
