using System.Net;
using FederatedDpLlm.Configuration;
using FederatedDpLlm.Federation.Nodes.Shards;
using FederatedDpLlm.Federation.Nodes.Shards.Engine;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.Security.Audit;

namespace FederatedDpLlm.Node;

/// <summary>The engine of a hospital whose model is cut over several nodes.</summary>
internal static class ShardedEngines
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromMilliseconds(500);

    /// <param name="configuration">The node's.</param>
    /// <param name="folder">Of the configuration file.</param>
    /// <param name="audit">Where crossings of trust zones are recorded.</param>
    /// <param name="random">For the public path.</param>
    /// <param name="loggers">For names and epochs.</param>
    /// <exception cref="ConfigurationException">The configuration names no nodes, no addresses or no model.</exception>
    /// <exception cref="EngineException">The nodes cannot be reached within a minute.</exception>
    public static async Task<ShardedEngine> StartAsync(
        NodeConfiguration configuration, string folder, Func<AuditRecord, CancellationToken, Task> audit, ISecureRandom random, ILoggerFactory loggers)
    {
        var shards = configuration.Engine.Shards ?? throw new ConfigurationException("'engine.shards' is missing: name the nodes that hold the model, and this hospital's certificate as their coordinator.");
        if (shards.Nodes.Count == 0 || configuration.Records.Shards + 1 > ShardedEngine.MostContexts)
        {
            throw new ConfigurationException(shards.Nodes.Count == 0
                ? "'engine.shards.nodes' is empty: name at least one node that holds the model."
                : $"'records.shards' is {configuration.Records.Shards}: over a sharded model at most {ShardedEngine.MostContexts - 1} voters read together.");
        }

        if (configuration.Engine.Adapter is not null)
        {
            throw new ConfigurationException("'engine.adapter' goes over no model that is cut over nodes: merge it into the model first, or load the model as 'embedded'.");
        }

        var path = configuration.Engine.Model is { } given ? Path.GetFullPath(Path.Combine(folder, given)) : BundledModel.Folder;
        var model = Load(path);
        if (shards.HomeLayers < HomeEdges.LeastFirstLayers || (shards.AgreedZones.Count > 0 && shards.HomeLayers > model.Shape.Layers - 2))
        {
            throw new ConfigurationException(
                $"'engine.shards.home_layers' is {shards.HomeLayers}: at least {HomeEdges.LeastFirstLayers}, and of this model's {model.Shape.Layers} layers at most {model.Shape.Layers - 2} can stay at home "
                + "while others cross with the last one at home too.");
        }

        var zone = shards.Zone ?? configuration.Hospital;
        var options = new ShardClusterOptions
        {
            Federation = configuration.Federation,
            Model = path,
            Nodes = [.. shards.Nodes.Select(node => ToEndpoint(node, zone))],
            Spares = [.. shards.Spares.Select(node => ToEndpoint(node, zone))],
            Zones = new TrustZones(zone, [.. shards.AgreedZones]) { HomeLayers = shards.HomeLayers },
            Strategy = shards.Strategy,
        };
        var credentials = shards.Identity.Load(folder);
        var clusters = new ShardedClusters(cancellationToken =>
            ShardCluster.StartAsync(options, model, credentials, audit, TimeProvider.System, loggers.CreateLogger<ShardCluster>(), cancellationToken));
        var engine = new ShardedEngine(clusters, model, Path.GetFileName(Path.TrimEndingDirectorySeparator(path)), configuration.Hospital, random);
        await WaitUntilReadyAsync(engine, loggers.CreateLogger("FederatedDpLlm.Node"));
        return engine;
    }

    // The nodes may be starting at the same time as this one.
    private static async Task WaitUntilReadyAsync(ShardedEngine engine, ILogger log)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                await engine.PrepareAsync(CancellationToken.None);
                return;
            }
            catch (EngineException error) when (TimeProvider.System.GetElapsedTime(started) < Patience)
            {
                log.LogInformation("Not ready: {Why} Asking again.", error.Message);
                await Task.Delay(AskAgainAfter);
            }
        }
    }

    private static ShardedModel Load(string path)
    {
        try
        {
            var model = ShardedModel.Load(path);
            return model.Tokenizer is not null ? model : throw new ConfigurationException($"The model in '{path}' has no tokenizer.");
        }
        catch (Exception error) when (error is ModelFormatException or IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"The model in '{path}' cannot be loaded: {error.Message}", error);
        }
    }

    // Speed, distance and memory are measured.
    private static ShardEndpoint ToEndpoint(ShardNodeOptions node, string home) => IPEndPoint.TryParse(node.Address, out var address) && address.Port > 0
        ? new ShardEndpoint(new ShardNode(node.Name, node.Zone ?? home, 1, TimeSpan.Zero, 0), address)
        : throw new ConfigurationException($"The shard '{node.Name}' has the address '{node.Address}': give an IP address and a port, as in 10.0.0.7:9443.");
}
