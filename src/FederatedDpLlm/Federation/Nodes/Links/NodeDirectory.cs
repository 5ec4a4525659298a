using System.Collections.Frozen;
using FederatedDpLlm.Security.Certificates;
using Grpc.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FederatedDpLlm.Federation.Nodes.Links;

/// <summary>The federation's nodes, each probed on its own rhythm, so that a dead one is noticed and a returned one is used again.</summary>
public sealed partial class NodeDirectory : BackgroundService
{
    private static readonly TimeSpan ProbeEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(2);
    private readonly FrozenDictionary<string, NodeLink> _links;
    private readonly TimeProvider _clock;
    private readonly ILogger<NodeDirectory> _logger;

    public NodeDirectory(
        string federation, IEnumerable<NodeEndpoint> endpoints, PeerCredentials credentials, TimeProvider clock, ILogger<NodeDirectory> logger)
    {
        _clock = clock;
        _logger = logger;
        _links = endpoints.ToFrozenDictionary(endpoint => endpoint.Id, endpoint => new NodeLink(endpoint, federation, credentials, clock), StringComparer.Ordinal);
    }

    public IReadOnlyList<NodeLink> Links => _links.Values;

    public IReadOnlyList<NodeSnapshot> Snapshots => [.. _links.Values.Select(link => link.Snapshot).OrderBy(node => node.Id, StringComparer.Ordinal)];

    /// <summary>Those that are there and may be asked this kind of question by this asker, by name.</summary>
    public IEnumerable<NodeSnapshot> Askable(QuestionKind kind, string asker) => Snapshots.Where(node => node.Healthy && _links[node.Id].MayAsk(kind, asker));

    public NodeLink this[string id] => _links[id];

    public override void Dispose()
    {
        base.Dispose();
        foreach (var link in _links.Values)
        {
            link.Dispose();
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(_links.Values.Select(link => ProbeForeverAsync(link, stoppingToken)));

    private async Task ProbeForeverAsync(NodeLink link, CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(ProbeEvery, _clock);
        var told = "down";
        try
        {
            do
            {
                await link.ProbeAsync(ProbeTimeout, stoppingToken);
                var now = link.Snapshot;
                if (now.State != told)
                {
                    NodeChanged(_logger, link.Id, now.Trouble is { } trouble ? $"{now.State}: {trouble}" : now.State);
                    told = now.State;
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (Exception error) when (error is OperationCanceledException or RpcException && stoppingToken.IsCancellationRequested)
        {
            // The host is stopping.
        }
    }

    [LoggerMessage(3001, LogLevel.Information, "Node {NodeId}: {State}.")]
    private static partial void NodeChanged(ILogger logger, string nodeId, string state);
}
