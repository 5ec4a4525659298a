using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Sharding;

/// <summary>
/// Cuts a model over nodes: shares follow the measured speeds within each node's memory (the water-filling of Parallax, arXiv 2509.26182). Nodes outside the trusted
/// zones are never given anything.
/// </summary>
/// <param name="shape">The model's shape.</param>
/// <param name="manifest">The weights that the plan is for.</param>
/// <param name="zones">Where hidden states may go.</param>
public sealed class ShardPlanner(ModelConfiguration shape, ManifestRoot manifest, TrustZones zones)
{
    private static readonly ShardStrategy[] Choices = [ShardStrategy.None, ShardStrategy.Layer, ShardStrategy.Attention, ShardStrategy.Tensor, ShardStrategy.TensorPipeline];

    /// <summary>A plan of one strategy over all trusted nodes.</summary>
    /// <exception cref="ShardPlanException">No node is trusted, memory does not suffice, or there are more nodes than pieces.</exception>
    public ShardPlan Plan(long epoch, ShardStrategy strategy, IReadOnlyList<ShardNode> nodes)
    {
        ArgumentNullException.ThrowIfNull(nodes);
        var trusted = Trusted(nodes);
        return TryPlan(epoch, strategy, trusted)?.Checked(shape) ?? throw new ShardPlanException(
            $"The model cannot be cut by '{strategy}' over {trusted.Count} nodes: there are more nodes than pieces ({shape.Layers} layers, {shape.AttentionSlices} attention and "
            + $"{shape.FeedForwardSlices} feed-forward slices), or their memory does not hold it ({trusted.Sum(node => node.MemoryBytes >> 20)} MiB for {shape.Layers * LayerBytes >> 20} MiB of layers).");
    }

    /// <summary>The plan with the shortest predicted time for a token, over all strategies and all sets of the fastest trusted nodes.</summary>
    /// <exception cref="ShardPlanException">No node is trusted, or together they cannot hold the model.</exception>
    public ShardPlan Best(long epoch, IReadOnlyList<ShardNode> nodes)
    {
        ArgumentNullException.ThrowIfNull(nodes);
        var trusted = Trusted(nodes).OrderByDescending(node => node.LayersPerSecond).ThenBy(node => node.Name, StringComparer.Ordinal).ToList();
        var plans = Choices.SelectMany(strategy => Enumerable.Range(1, trusted.Count).Select(count => TryPlan(epoch, strategy, trusted[..count])));
        return plans.OfType<ShardPlan>().MinBy(plan => PredictToken(plan, trusted))?.Checked(shape)
            ?? throw new ShardPlanException($"The {trusted.Count} trusted nodes together cannot hold the model.");
    }

    /// <summary>The predicted time of one token: each step waits for its slowest shard and one round trip to it.</summary>
    public TimeSpan PredictToken(ShardPlan plan, IReadOnlyList<ShardNode> nodes)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var byName = nodes.ToDictionary(node => node.Name, StringComparer.Ordinal);
        var attentionShare = (double)(2 * shape.QueryWidth + 2 * shape.KeyValueWidth) / (2 * shape.QueryWidth + 2 * shape.KeyValueWidth + 3 * shape.FeedForwardWidth);
        return TimeSpan.FromSeconds(ShardStep.Of(plan, shape).Sum(step => step.Shards.Max(shard =>
        {
            var node = byName[plan.Shards[shard].Node];
            var layers = step.Kind switch
            {
                ShardStepKind.Layers => step.EndLayer - step.FirstLayer,
                ShardStepKind.Attention => attentionShare * plan.Shards[shard].Slices(step.FirstLayer, LayerPart.Attention).Length / shape.AttentionSlices,
                _ => (1 - attentionShare) * plan.Shards[shard].Slices(step.FirstLayer, LayerPart.FeedForward).Length / shape.FeedForwardSlices,
            };
            return layers / node.LayersPerSecond + node.RoundTrip.TotalSeconds;
        })));
    }

    private List<ShardNode> Trusted(IReadOnlyList<ShardNode> nodes)
    {
        var trusted = nodes.Where(node => zones.Admits(node.Zone)).ToList();
        return trusted.Count > 0
            ? trusted
            : throw new ShardPlanException($"No node stands in the trusted zone '{zones.Home}': hidden states give prompts away, so other zones need an explicit agreement.");
    }

    private ShardPlan? TryPlan(long epoch, ShardStrategy strategy, IReadOnlyList<ShardNode> nodes)
    {
        var all = new SliceRun(0, shape.Layers);
        var held = strategy switch
        {
            ShardStrategy.None => nodes.Count == 1 ? ByLayers(nodes) : null,
            ShardStrategy.Layer or ShardStrategy.Pipeline => ByLayers(nodes),
            ShardStrategy.Attention => ByHeads(nodes),
            ShardStrategy.Tensor => BySlices(nodes, all),
            ShardStrategy.TensorPipeline => ByLayersAndSlices(nodes),
            _ => throw new ArgumentOutOfRangeException(nameof(strategy), strategy, "There is no such strategy."),
        };
        return held is null || held.Any(layers => layers.Count == 0)
            ? null
            : new ShardPlan(epoch, strategy, manifest, [.. nodes.Zip(held, (node, layers) => new ShardAssignment(node.Name, node.Zone, layers))]);
    }

    private List<LayerSlices>[]? ByLayers(IReadOnlyList<ShardNode> nodes)
    {
        var counts = Apportion(shape.Layers, nodes, LayerBytes);
        var at = 0;
        return counts?.Select(count => Enumerable.Range((at += count) - count, count).Select(Whole).ToList()).ToArray();
    }

    private List<LayerSlices>[]? ByLayersAndSlices(IReadOnlyList<ShardNode> nodes)
    {
        if (nodes.Count < 2)
        {
            return ByLayers(nodes);
        }

        ShardNode[][] groups = [[.. nodes.Take((nodes.Count + 1) / 2)], [.. nodes.Skip((nodes.Count + 1) / 2)]];
        var stages = groups.Select(group => group[0] with { LayersPerSecond = group.Sum(node => node.LayersPerSecond), MemoryBytes = group.Sum(node => node.MemoryBytes) }).ToList();
        if (Apportion(shape.Layers, stages, LayerBytes) is not [> 0 and var first, > 0])
        {
            return null;
        }

        var (front, back) = (BySlices(groups[0], new SliceRun(0, first)), BySlices(groups[1], new SliceRun(first, shape.Layers)));
        return front is null || back is null ? null : [.. front, .. back];
    }

    private List<LayerSlices>[]? ByHeads(IReadOnlyList<ShardNode> nodes)
    {
        var attention = Runs(shape.AttentionSlices, nodes, shape.Layers * AttentionBytes / shape.AttentionSlices);
        var whole = Apportion(shape.Layers, nodes, FeedForwardBytes);
        if (attention is null || whole is null)
        {
            return null;
        }

        var owner = Enumerable.Range(0, nodes.Count).SelectMany(node => Enumerable.Range(0, whole[node]).Select(turn => (turn, node))).Order().Select(pair => pair.node).ToList();
        return [.. nodes.Select((_, node) => Enumerable.Range(0, shape.Layers)
            .Select(layer => new LayerSlices(layer, attention[node], owner[layer] == node ? SliceRun.All(shape.FeedForwardSlices) : SliceRun.None))
            .Where(layer => layer.Attention.Length + layer.FeedForward.Length > 0).ToList())];
    }

    private List<LayerSlices>[]? BySlices(IReadOnlyList<ShardNode> nodes, SliceRun layers)
    {
        var attention = Runs(shape.AttentionSlices, nodes, layers.Length * AttentionBytes / shape.AttentionSlices);
        var feedForward = Runs(shape.FeedForwardSlices, nodes, layers.Length * FeedForwardBytes / shape.FeedForwardSlices);
        return attention is null || feedForward is null
            ? null
            : [.. nodes.Select((_, node) => attention[node].Length + feedForward[node].Length == 0
                ? []
                : Enumerable.Range(layers.First, layers.Length).Select(layer => new LayerSlices(layer, attention[node], feedForward[node])).ToList())];
    }

    private static List<SliceRun>? Runs(int slices, IReadOnlyList<ShardNode> nodes, long sliceBytes)
    {
        var at = 0;
        return Apportion(slices, nodes, sliceBytes)?.Select(count => new SliceRun(at, at += count)).ToList();
    }

    private static int[]? Apportion(int units, IReadOnlyList<ShardNode> nodes, long unitBytes) =>
        Apportionment.Of(units, [.. nodes.Select(node => node.LayersPerSecond)], [.. nodes.Select(node => node.MemoryBytes / Math.Max(1, unitBytes))]);

    private LayerSlices Whole(int layer) => new(layer, SliceRun.All(shape.AttentionSlices), SliceRun.All(shape.FeedForwardSlices));

    private long AttentionBytes => sizeof(float) * (long)shape.Width * (2 * shape.QueryWidth + 2 * shape.KeyValueWidth);

    private long FeedForwardBytes => sizeof(float) * 3L * shape.Width * shape.FeedForwardWidth;

    private long LayerBytes => AttentionBytes + FeedForwardBytes;
}
