using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Sharding;

/// <summary>
/// What a shard remembers of the step that it computed last, so that a request may go on from it: with the sums of the one other shard it adds up what the coordinator
/// adds up, by the same tree, and has the next step's stream without waiting for it.
/// </summary>
internal sealed class StepBefore(ModelConfiguration shape, ShardAssignment assignment)
{
    private readonly PartialSums _sums = new();
    private ShardStepKind _kind;
    private int _layer;
    private IReadOnlyList<ShardRows> _rows = [];

    /// <summary>The stream is about to be another one.</summary>
    public void Forget() => _rows = [];

    public void Remember(ShardWork work) => (_kind, _layer, _rows) = (work.Kind, work.FirstLayer, work.Kind == ShardStepKind.Layers ? [] : work.Rows);

    /// <summary>Whether a request is the next step of the same rows and brings sums of the right size.</summary>
    public bool LeadsTo(ShardWork work, int rows)
    {
        var follows = _kind == ShardStepKind.Attention
            ? work.Kind == ShardStepKind.FeedForward && work.FirstLayer == _layer
            : work.Kind == ShardStepKind.Attention && work.FirstLayer == _layer + 1;
        return follows && _rows.SequenceEqual(work.Rows) && work.Stream.Length == Others().Count * rows * shape.Width;
    }

    /// <param name="stream">The stream before the step; after it on return.</param>
    /// <param name="own">This shard's sums.</param>
    /// <param name="others">The other shard's.</param>
    public void AddTo(Span<float> stream, ReadOnlySpan<float> own, ReadOnlySpan<float> others)
    {
        _sums.Begin(shape.Slices(_kind.Part()), stream.Length);
        _sums.Place(Own().Nodes(shape.Slices(_kind.Part())).ToList(), own);
        _sums.Place(Others(), others);
        _sums.AddTo(stream);
    }

    private SliceRun Own() => assignment.Slices(_layer, _kind.Part());

    // The other of two shards holds the rest, on one side of this one's. Where there is a rest on both sides there are three shards.
    private List<SliceRun> Others()
    {
        var (own, total) = (Own(), shape.Slices(_kind.Part()));
        var rest = own.First == 0 ? new SliceRun(own.End, total) : own.End == total ? new SliceRun(0, own.First) : SliceRun.None;
        return [.. rest.Nodes(total)];
    }
}
