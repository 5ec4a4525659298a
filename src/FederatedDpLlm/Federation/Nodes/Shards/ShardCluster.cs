using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Security.Audit;
using FederatedDpLlm.Security.Certificates;
using Microsoft.Extensions.Logging;

namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>
/// A model cut over nodes, as its coordinator runs it. It is ready once it has generated a token; when a shard is lost, a spare of the same zone takes its
/// place, else the model is cut anew over the survivors. Sessions go on by themselves (<see cref="ShardSession"/>).
/// </summary>
public sealed partial class ShardCluster : IDisposable
{
    private readonly ShardClusterOptions _options;
    private readonly ShardedModel _model;
    private readonly ShardPlanner _planner;
    private readonly IReadOnlyList<IShardPeer> _peers;
    private readonly Func<AuditRecord, CancellationToken, Task> _audit;
    private readonly TimeProvider _clock;
    private readonly ILogger<ShardCluster> _log;
    private readonly SemaphoreSlim _changing = new(1);
    private readonly List<ShardRecovery> _recoveries = [];
    private volatile ShardedForward? _current;
    private long _epoch;

    private ShardCluster(
        ShardClusterOptions options, ShardedModel model, IReadOnlyList<IShardPeer> peers, Func<AuditRecord, CancellationToken, Task> audit, TimeProvider clock, ILogger<ShardCluster> log)
    {
        (_options, _model, _peers, _audit, _clock, _log) = (options, model, peers, audit, clock, log);
        _planner = new ShardPlanner(model.Shape, model.Manifest.Root, options.Zones);
    }

    /// <summary>The coordinator's part of the model.</summary>
    public ShardedModel Model => _model;

    /// <summary>The plan in force.</summary>
    public ShardPlan Plan => Current.Plan;

    /// <summary>The nodes that are not lost, spares included, as measured.</summary>
    public IReadOnlyList<ShardNode> Nodes => [.. _peers.Where(peer => !peer.IsLost).Select(peer => peer.Node)];

    /// <summary>Changes of plan so far.</summary>
    public IReadOnlyList<ShardRecovery> Recoveries
    {
        get
        {
            lock (_recoveries)
            {
                return [.. _recoveries];
            }
        }
    }

    internal ShardedForward Current => _current ?? throw new InvalidOperationException("The cluster is not ready.");

    internal int ChunkTokens => _options.ChunkTokens;

    /// <summary>Links the nodes, cuts the model over them, and generates one token to prove it.</summary>
    /// <param name="options">Over which nodes, and how.</param>
    /// <param name="model">The coordinator's part.</param>
    /// <param name="credentials">The coordinator's.</param>
    /// <param name="audit">Where crossings between trust zones are recorded, durably, before anything crosses.</param>
    /// <param name="clock">The time.</param>
    /// <param name="log">Gets names and epochs.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="ShardPlanException">The model cannot be cut over the trusted nodes.</exception>
    /// <exception cref="ShardLostException">A node cannot be reached or cannot load its part.</exception>
    public static async Task<ShardCluster> StartAsync(
        ShardClusterOptions options, ShardedModel model, PeerCredentials credentials, Func<AuditRecord, CancellationToken, Task> audit, TimeProvider clock, ILogger<ShardCluster> log,
        CancellationToken cancellationToken)
    {
        // A node outside the zones is not even linked.
        var trusted = options.Nodes.Concat(options.Spares).Where(endpoint => options.Zones.Admits(endpoint.Node.Zone)).ToList();
        var linking = trusted.Select(LinkAsync).ToList();
        try
        {
            var cluster = new ShardCluster(options, model, await Task.WhenAll(linking), audit, clock, log);
            await cluster.BeginAsync(cancellationToken);
            return cluster;
        }
        catch
        {
            linking.Where(link => link.IsCompletedSuccessfully).ToList().ForEach(link => link.Result.Dispose());
            throw;
        }

        async Task<IShardPeer> LinkAsync(ShardEndpoint endpoint) => endpoint.Address is null
            ? new LocalPeer(endpoint.Node, options.Model, model.Manifest, options.Threads, clock)
            : await ShardLink.ConnectAsync(endpoint, credentials, options.Federation, model.Manifest, options.Timeouts, clock, cancellationToken);
    }

    /// <summary>Opens a session for one request; what its tokens cross is recorded before they do.</summary>
    /// <param name="request">The request's id.</param>
    /// <param name="actor">On whose behalf.</param>
    public ShardSession Open(string request, string actor) => new(this, request, actor);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var peer in _peers)
        {
            peer.Dispose();
        }

        _changing.Dispose();
    }

    /// <summary>Finds a new plan after a loss; callers that saw the same plan fail share one change.</summary>
    /// <exception cref="ShardsUnavailableException">The nodes that are left cannot hold the model.</exception>
    internal async Task RecoverAsync(ShardedForward failed, string lostNode, CancellationToken cancellationToken)
    {
        var noticed = _clock.GetTimestamp();
        await _changing.WaitAsync(cancellationToken);
        try
        {
            if (_current != failed)
            {
                return;
            }

            // Whoever answers nonsense is as lost as whoever does not answer. (A pass by an earlier plan that is refused has returned above: that plan is not the current one.)
            _peers.Where(peer => peer.Node.Name == lostNode).ToList().ForEach(peer => peer.Dispose());
            while (true)
            {
                var (plan, bySpare) = Replacement(failed.Plan);
                try
                {
                    await ActivateAsync(plan);
                    Remember(new ShardRecovery([.. failed.Plan.Shards.Select(shard => shard.Node).Where(IsLost)], plan.Epoch, bySpare, _clock.GetElapsedTime(noticed)));
                    return;
                }
                catch (ShardLostException another)
                {
                    _peers.Where(peer => peer.Node.Name == another.Node).ToList().ForEach(peer => peer.Dispose());
                }
            }
        }
        finally
        {
            _changing.Release();
        }
    }

    internal async Task AuditCrossingsAsync(ShardPlan plan, string request, string actor, CancellationToken cancellationToken)
    {
        foreach (var crossing in _options.Zones.Crossings(plan))
        {
            await _audit(
                new AuditRecord(request, AuditDecision.Admitted, actor, new Dictionary<string, string>
                {
                    ["crossing"] = "hidden states leave the trust zone",
                    ["from_zone"] = _options.Zones.Home,
                    ["to_zone"] = crossing.Zone,
                    ["node"] = crossing.Node,
                    ["first_layer"] = crossing.Layers[0].Layer.ToString(System.Globalization.CultureInfo.InvariantCulture),
                    ["plan_epoch"] = plan.Epoch.ToString(System.Globalization.CultureInfo.InvariantCulture),
                }),
                cancellationToken);
        }
    }

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        if (_options.Measure)
        {
            await Task.WhenAll(_peers.Select(peer => Task.Run(peer.MeasureAsync, cancellationToken)));
        }

        var nodes = Alive(_options.Nodes);
        var plan = _options.Strategy is { } strategy ? _planner.Plan(++_epoch, strategy, nodes) : _planner.Best(++_epoch, nodes);
        await ActivateAsync(plan);
        await Task.WhenAll(Alive(_options.Spares).Select(spare => PrepareAsync(Peer(spare.Name), plan)));

        // Ready means a generated token, not an open port.
        var probe = Guid.NewGuid();
        await Current.RunAsync([new ShardChunk(probe, 0, new[] { _model.Shape.BeginToken ?? 0 })], cancellationToken);
        Current.Close(probe);
        LogReady(_log, plan.Strategy, plan.Shards.Count, plan.Epoch);
    }

    private static async Task PrepareAsync(IShardPeer spare, ShardPlan plan)
    {
        for (var assignment = 0; assignment < plan.Shards.Count; assignment++)
        {
            if (plan.Shards[assignment].Zone == spare.Node.Zone)
            {
                await spare.PrepareAsync(plan, assignment);
            }
        }
    }

    private async Task ActivateAsync(ShardPlan plan)
    {
        var peers = plan.Shards.Select(shard => Peer(shard.Node)).ToList();
        _current = new ShardedForward(_model, plan, await Task.WhenAll(peers.Select((peer, assignment) => Task.Run(() => peer.LoadAsync(plan, assignment)))));
    }

    private (ShardPlan Plan, bool BySpare) Replacement(ShardPlan failed)
    {
        var spares = new Queue<ShardNode>(Alive(_options.Spares).Where(spare => failed.Shards.All(shard => shard.Node != spare.Name)));
        var shards = new List<ShardAssignment>();
        foreach (var shard in failed.Shards)
        {
            var taken = !IsLost(shard.Node) ? shard : spares.TryPeek(out var spare) && spare.Zone == shard.Zone ? shard with { Node = spares.Dequeue().Name } : null;
            if (taken is null)
            {
                return (CutAnew(failed), false);
            }

            shards.Add(taken);
        }

        return (failed with { Epoch = ++_epoch, Shards = shards }, true);
    }

    private ShardPlan CutAnew(ShardPlan failed)
    {
        var alive = Alive([.. _options.Nodes, .. _options.Spares]);
        try
        {
            return _planner.Plan(++_epoch, failed.Strategy, [.. alive.Take(failed.Shards.Count)]);
        }
        catch (ShardPlanException)
        {
            // The strategy needs more nodes or memory than are left: any cut that holds the model will do.
        }

        try
        {
            return _planner.Best(++_epoch, alive);
        }
        catch (ShardPlanException none)
        {
            throw new ShardsUnavailableException($"{alive.Count} of {_peers.Count} nodes are left, and they cannot hold the model.", none);
        }
    }

    private List<ShardNode> Alive(IReadOnlyList<ShardEndpoint> endpoints) =>
        [.. endpoints.SelectMany(endpoint => _peers.Where(peer => peer.Node.Name == endpoint.Node.Name && !peer.IsLost)).Select(peer => peer.Node)];

    private bool IsLost(string node) => Peer(node).IsLost;

    private IShardPeer Peer(string node) => _peers.First(peer => peer.Node.Name == node);

    private void Remember(ShardRecovery recovery)
    {
        lock (_recoveries)
        {
            _recoveries.Add(recovery);
        }

        LogRecovered(_log, string.Join(", ", recovery.Lost), recovery.BySpare ? "a spare took its place" : "the model was cut anew", recovery.Epoch, recovery.Took.TotalMilliseconds);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The model is cut by {Strategy} over {Shards} nodes; epoch {Epoch} has generated a token.")]
    private static partial void LogReady(ILogger logger, ShardStrategy strategy, int shards, long epoch);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Lost: {Nodes}. {How}: epoch {Epoch}, {Milliseconds:F0} ms.")]
    private static partial void LogRecovered(ILogger logger, string nodes, string how, long epoch, double milliseconds);
}
