using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.KvCache;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Sharding;

/// <summary>
/// A shard at work: its slices of the weights, its sessions' keys and values for the heads that it holds, and nothing else. It sees hidden states, never tokens
/// or logits. One request at a time.
/// </summary>
public sealed class ShardEngine : IDisposable
{
    private const int MostSessions = 256;
    private const int WarmUpRows = 64;
    private readonly ShardWeights _weights;
    private readonly ModelConfiguration _shape;
    private readonly ForwardWorkspace _workspace;
    private readonly ShardSessions _sessions;
    private readonly StepBefore _before;
    private float[] _answer = [];

    internal ShardEngine(ModelConfiguration shape, ITensorSource source, ShardManifest manifest, ShardAssignment assignment, int threads)
    {
        (_shape, Assignment, Manifest) = (shape, assignment, manifest.Root);
        _before = new StepBefore(shape, assignment);
        _weights = new ShardWeights(shape, source, manifest, assignment);
        _workspace = new ForwardWorkspace(shape with { Layers = 1 }, ShardWork.MostRows, threads);
        var cached = shape with { Layers = Math.Max(1, _weights.Caches), Heads = _weights.MostKeyValueHeads, KeyValueHeads = _weights.MostKeyValueHeads };
        _sessions = new ShardSessions(new KvLayout(cached), _weights.Caches, MostSessions);
    }

    /// <summary>What it holds.</summary>
    public ShardAssignment Assignment { get; }

    /// <summary>Which model's weights it holds.</summary>
    public ManifestRoot Manifest { get; }

    /// <summary>The sessions in its cache.</summary>
    public int SessionCount => _sessions.Count;

    /// <summary>Loads an assignment's slices from a local copy of the model and proves them against the manifest.</summary>
    /// <param name="model">The model's safetensors folder or GGUF file.</param>
    /// <param name="plan">The plan that the assignment is part of.</param>
    /// <param name="assignment">What to load.</param>
    /// <param name="manifestHashes">The hashes of the plan's manifest (<see cref="ShardManifest.Hashes"/>).</param>
    /// <param name="threads">Most threads of one request.</param>
    /// <exception cref="ShardPlanException">The plan or the manifest does not fit the local model's shape.</exception>
    /// <exception cref="ShardRefusedException">The local weights are another model's.</exception>
    /// <exception cref="ModelFormatException">A file is malformed.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static ShardEngine Load(string model, ShardPlan plan, ShardAssignment assignment, ReadOnlyMemory<byte> manifestHashes, int threads)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(assignment);
        using var source = ModelSource.Open(model);
        var shape = source.Configuration.Checked();
        plan.Checked(shape);
        var manifest = ShardManifest.Parse(shape, manifestHashes.Span);
        if (manifest.Root != plan.Manifest)
        {
            throw new ShardRefusedException(ShardRefusal.Weights, "The local model is another one than the plan's, or the manifest's hashes are not the plan's.");
        }

        return new ShardEngine(shape, source.Tensors, manifest, assignment, threads);
    }

    /// <summary>Loads the first layer whole, unproved: to find out how fast this machine computes layers of this model.</summary>
    /// <param name="model">The model's safetensors folder or GGUF file.</param>
    /// <param name="threads">Most threads of one request.</param>
    /// <exception cref="ModelFormatException">A file is malformed.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static ShardEngine LoadSample(string model, int threads)
    {
        using var source = ModelSource.Open(model);
        var shape = source.Configuration.Checked() with { Layers = 1 };
        var layer = new LayerSlices(0, SliceRun.All(shape.AttentionSlices), SliceRun.All(shape.FeedForwardSlices));
        return new ShardEngine(shape, source.Tensors, ShardManifest.Of(shape, source.Tensors), new ShardAssignment("sample", string.Empty, [layer]), threads);
    }

    /// <summary>The model's shape.</summary>
    public ModelConfiguration Shape => _shape;

    /// <summary>Computes a request.</summary>
    /// <returns>See <see cref="IShard.ComputeAsync"/>; changed by the next call.</returns>
    /// <exception cref="ShardRefusedException">The request does not fit; nothing was changed.</exception>
    public ReadOnlyMemory<float> Compute(ShardWork work)
    {
        ArgumentNullException.ThrowIfNull(work);
        var rows = Require(work);
        var sessions = work.Rows.Select(chunk => _sessions.Open(chunk.Session)).ToList();
        RequireNoGap(work, sessions);
        var chunks = Place(work, sessions);
        TakeStream(work, rows);
        var answer = work.Kind switch
        {
            ShardStepKind.Layers => Layers(work, chunks, rows),
            ShardStepKind.Attention => Partials(_weights.Attention(work.FirstLayer), rows, node => Attention(node, chunks, rows)),
            _ => Partials(_weights.FeedForward(work.FirstLayer), rows, node => LlamaForward.FeedForwardPart(node.Shape, node.Weights, _workspace, rows)),
        };
        Remember(work, sessions);
        _before.Remember(work);
        return answer;
    }

    /// <summary>Computes a little of everything that it holds, so that the first request meets compiled code and mapped memory.</summary>
    public void WarmUp()
    {
        var session = Guid.NewGuid();
        foreach (var held in Assignment.Layers)
        {
            foreach (var kind in KindsOf(held.Layer))
            {
                for (var rows = 1; rows <= WarmUpRows && rows <= _shape.Context; rows *= 2)
                {
                    Compute(new ShardWork(kind, held.Layer, held.Layer + 1, [new ShardRows(session, 0, rows)], new float[rows * _shape.Width]));
                }
            }
        }

        Close(session);
    }

    /// <summary>Lets go of a session.</summary>
    public void Close(Guid session) => _sessions.Close(session);

    /// <inheritdoc/>
    public void Dispose() => _sessions.Dispose();

    private void TakeStream(ShardWork work, int rows)
    {
        var stream = _workspace.Layers[0].Input.Span[..(rows * _shape.Width)];
        if (work.GoesOn)
        {
            _before.AddTo(stream, _answer, work.Stream.Span);
        }
        else
        {
            work.Stream.Span.CopyTo(stream);
        }

        _before.Forget();
    }

    private ReadOnlyMemory<float> Layers(ShardWork work, IReadOnlyList<SequenceChunk> chunks, int rows)
    {
        for (var layer = work.FirstLayer; layer < work.EndLayer; layer++)
        {
            Attention(_weights.Attention(layer)[0], chunks, rows);
            AddProjected(rows);
            var feedForward = _weights.FeedForward(layer)[0];
            LlamaForward.FeedForwardPart(feedForward.Shape, feedForward.Weights, _workspace, rows);
            AddProjected(rows);
        }

        return Answer(_workspace.Layers[0].Input, 0, rows, 1);
    }

    private ReadOnlyMemory<float> Partials<TNode>(IReadOnlyList<TNode> nodes, int rows, Action<TNode> compute)
    {
        var answer = ReadOnlyMemory<float>.Empty;
        for (var index = 0; index < nodes.Count; index++)
        {
            compute(nodes[index]);
            answer = Answer(_workspace.Projected, index, rows, nodes.Count);
        }

        return answer;
    }

    private void Attention(ShardWeights.AttentionNode node, IReadOnlyList<SequenceChunk> chunks, int rows) =>
        LlamaForward.AttentionPart(node.Shape, node.Weights, _weights.Rotary, node.Cache, chunks, _workspace, rows);

    private unsafe void AddProjected(int rows) =>
        Elementwise.Add(_workspace.Layers[0].Input.Pointer, _workspace.Projected.Pointer, rows * _shape.Width);

    private ReadOnlyMemory<float> Answer(FloatBuffer from, int index, int rows, int parts)
    {
        var size = rows * _shape.Width;
        if (_answer.Length < parts * size)
        {
            Array.Resize(ref _answer, parts * size);
        }

        from.Span[..size].CopyTo(_answer.AsSpan(index * size));
        return _answer.AsMemory(0, parts * size);
    }

    private IEnumerable<ShardStepKind> KindsOf(int layer)
    {
        if (_weights.IsWhole(layer))
        {
            yield return ShardStepKind.Layers;
            yield break;
        }

        if (_weights.Attention(layer).Count > 0)
        {
            yield return ShardStepKind.Attention;
        }

        if (_weights.FeedForward(layer).Count > 0)
        {
            yield return ShardStepKind.FeedForward;
        }
    }

    private int Require(ShardWork work)
    {
        var rows = 0L;
        var (first, end) = (work.FirstLayer, work.EndLayer);
        Demand(first >= 0 && end <= _shape.Layers && first < end, "there are no such layers");
        Demand(work.Kind == ShardStepKind.Layers || end == first + 1, "one layer's part is asked for at a time");
        foreach (var chunk in work.Rows)
        {
            Demand(chunk.Count > 0 && chunk.Position >= 0 && (long)chunk.Position + chunk.Count <= _shape.Context, "positions lie outside the model's context");
            rows += chunk.Count;
        }

        Demand(rows is > 0 and <= ShardWork.MostRows, "there are no rows, or more than one request holds");
        Demand(work.GoesOn || work.Stream.Length == rows * _shape.Width, "the stream does not have the rows' size");
        Demand(!work.GoesOn || _before.LeadsTo(work, (int)rows), "it does not go on from the request before");
        Demand(work.Rows.Count == 1 || work.Rows.Select(chunk => chunk.Session).Distinct().Count() == work.Rows.Count, "a session stands twice in it");
        var holds = work.Kind switch
        {
            ShardStepKind.Layers => Enumerable.Range(first, end - first).All(_weights.IsWhole),
            ShardStepKind.Attention => _weights.Attention(first).Count > 0,
            ShardStepKind.FeedForward => _weights.FeedForward(first).Count > 0,
            _ => false,
        };
        Demand(holds, "this shard does not hold what is asked for");
        return (int)rows;
    }

    private void RequireNoGap(ShardWork work, List<ShardSessions.Session> sessions)
    {
        for (var index = 0; index < sessions.Count; index++)
        {
            var known = int.MaxValue;
            ForEachCache(work, cache => known = Math.Min(known, sessions[index].Written[cache]));
            if (work.Rows[index].Position > known)
            {
                throw new ShardRefusedException(ShardRefusal.Gap, $"Position {work.Rows[index].Position} comes before the {known} known ones have been continued.");
            }
        }
    }

    private List<SequenceChunk> Place(ShardWork work, List<ShardSessions.Session> sessions)
    {
        var (chunks, row) = (new List<SequenceChunk>(sessions.Count), 0);
        for (var index = 0; index < sessions.Count; index++)
        {
            var (sequence, chunk) = (sessions[index].Sequence, work.Rows[index]);
            var missing = chunk.Position + chunk.Count - sequence.Length;
            if (missing > 0 && work.Kind != ShardStepKind.FeedForward)
            {
                sequence.Extend(missing);
            }

            for (var i = 0; i < chunk.Count; i++, row++)
            {
                (_workspace.RowChunk[row], _workspace.RowPosition[row]) = (index, chunk.Position + i);
            }

            chunks.Add(new SequenceChunk(sequence, default, LogitsWanted.None));
        }

        return chunks;
    }

    private void Remember(ShardWork work, List<ShardSessions.Session> sessions)
    {
        for (var index = 0; index < sessions.Count; index++)
        {
            ForEachCache(work, cache => sessions[index].Written[cache] = work.Rows[index].Position + work.Rows[index].Count);
        }
    }

    private void ForEachCache(ShardWork work, Action<int> act)
    {
        for (var layer = work.FirstLayer; layer < work.EndLayer && work.Kind != ShardStepKind.FeedForward; layer++)
        {
            var nodes = _weights.Attention(layer);
            for (var node = 0; node < nodes.Count; node++)
            {
                act(nodes[node].Cache);
            }
        }
    }

    private static void Demand(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new ShardRefusedException(ShardRefusal.Malformed, $"The request does not fit: {otherwise}.");
        }
    }
}
