using System.Security.Cryptography.X509Certificates;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>A shard's side of one link, frame by frame: the plan that it works under, the slices that it keeps ready, nothing of sockets.</summary>
internal sealed class ShardConversation(ShardHostOptions options, X509Certificate2 coordinator, Lazy<double> layersPerSecond) : IDisposable
{
    // A spare keeps a whole model ready at most: one assignment for each of a plan's shards.
    private const int MostPrepared = ShardPlan.MostShards;
    private readonly List<ShardEngine> _prepared = [];
    private readonly WireWriter _answer = new();
    private ShardEngine? _engine;
    private long _epoch;
    private ManifestRoot _manifest;

    /// <summary>The answer's payload after <see cref="Handle"/>.</summary>
    public ReadOnlySpan<byte> Answer => _answer.Written;

    /// <summary>Does what a frame asks.</summary>
    /// <returns>The kind of the answer; null where there is none.</returns>
    /// <exception cref="ShardProtocolException">No honest coordinator sends this.</exception>
    public FrameKind? Handle(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        _answer.Clear();
        try
        {
            return header.Kind switch
            {
                FrameKind.Load => Load(header, payload),
                FrameKind.Prepare => Prepare(payload),
                FrameKind.Compute => Compute(header, payload),
                FrameKind.Close => Close(payload),
                FrameKind.Measure => Measure(payload),
                _ => throw new ShardProtocolException($"A coordinator does not send {header.Kind}."),
            };
        }
        catch (ShardRefusedException refused)
        {
            return Refuse(refused);
        }
        catch (ShardPlanException error)
        {
            return Refuse(new ShardRefusedException(error.Refusal, error.Message));
        }
    }

    public void Dispose()
    {
        _engine?.Dispose();
        _prepared.ForEach(engine => engine.Dispose());
    }

    private FrameKind Load(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        var (plan, assignment) = ReadPlan(payload, out var hashes);
        if (assignment.Node != options.Node)
        {
            throw new ShardRefusedException(ShardRefusal.Untrusted, $"The plan means '{assignment.Node}', this is '{options.Node}'.");
        }

        if (plan.Epoch <= _epoch || header.Epoch != plan.Epoch || header.Manifest != plan.Manifest)
        {
            throw new ShardRefusedException(ShardRefusal.OtherPlan, $"The plan's epoch {plan.Epoch} does not follow {_epoch}.");
        }

        var engine = Ready(plan, assignment, hashes);
        if (engine != _engine)
        {
            _engine?.Dispose();
        }

        (_engine, _epoch, _manifest) = (engine, plan.Epoch, plan.Manifest);
        return FrameKind.Ready;
    }

    private FrameKind Prepare(ReadOnlySpan<byte> payload)
    {
        var (plan, assignment) = ReadPlan(payload, out var hashes);
        if (_prepared.Count >= MostPrepared)
        {
            throw new ShardRefusedException(ShardRefusal.Malformed, "This spare keeps enough ready already.");
        }

        _prepared.Add(LoadEngine(plan, assignment, hashes));
        return FrameKind.Ready;
    }

    private FrameKind Compute(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (_engine is null || header.Epoch != _epoch || header.Manifest != _manifest)
        {
            throw new ShardRefusedException(ShardRefusal.OtherPlan, $"The request is of epoch {header.Epoch}, this shard works under {_epoch}.");
        }

        _answer.Floats(_engine.Compute(WorkEncoding.ReadWork(payload)).Span);
        return FrameKind.Computed;
    }

    private FrameKind? Close(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        _engine?.Close(reader.Guid());
        reader.End();
        return null;
    }

    private FrameKind Measure(ReadOnlySpan<byte> payload)
    {
        new WireReader(payload).End();
        try
        {
            _answer.Floats([(float)layersPerSecond.Value, options.MemoryBytes]);
            return FrameKind.Measured;
        }
        catch (Exception error) when (error is ModelFormatException or IOException or UnauthorizedAccessException)
        {
            throw new ShardRefusedException(ShardRefusal.Weights, "The local model cannot be read.");
        }
    }

    private FrameKind Refuse(ShardRefusedException refused)
    {
        _answer.Clear();
        WorkEncoding.Write(_answer, refused);
        return FrameKind.Refused;
    }

    private (ShardPlan Plan, ShardAssignment Assignment) ReadPlan(ReadOnlySpan<byte> payload, out ReadOnlyMemory<byte> hashes)
    {
        var signed = SignedPlan.Read(payload, coordinator);
        var assignment = signed.Plan.Shards[signed.Assignment];
        hashes = signed.ManifestHashes;
        return assignment.Zone == options.Zone
            ? (signed.Plan, assignment)
            : throw new ShardRefusedException(ShardRefusal.Untrusted, $"The plan takes this node for one of zone '{assignment.Zone}', it stands in '{options.Zone}'.");
    }

    // What is loaded already serves again: the same slices under a new epoch, or what was kept ready.
    private ShardEngine Ready(ShardPlan plan, ShardAssignment assignment, ReadOnlyMemory<byte> hashes)
    {
        if (_engine is not null && plan.Manifest == _manifest && SameSlices(_engine, assignment))
        {
            plan.Checked(_engine.Shape);
            return _engine;
        }

        if (_prepared.Find(engine => engine.Manifest == plan.Manifest && SameSlices(engine, assignment)) is { } prepared)
        {
            plan.Checked(prepared.Shape);
            _prepared.Remove(prepared);
            return prepared;
        }

        return LoadEngine(plan, assignment, hashes);
    }

    private static bool SameSlices(ShardEngine engine, ShardAssignment assignment) => engine.Assignment.Layers.SequenceEqual(assignment.Layers);

    private ShardEngine LoadEngine(ShardPlan plan, ShardAssignment assignment, ReadOnlyMemory<byte> hashes)
    {
        try
        {
            var engine = ShardEngine.Load(options.Model, plan, assignment, hashes, options.Threads);
            engine.WarmUp();
            return engine;
        }
        catch (Exception error) when (error is ModelFormatException or IOException or UnauthorizedAccessException)
        {
            throw new ShardRefusedException(ShardRefusal.Weights, "The local model cannot be read.");
        }
    }
}
