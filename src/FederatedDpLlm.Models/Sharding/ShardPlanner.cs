using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Sharding;

/// <summary>
/// Cuts a model over nodes: shares follow the measured speeds within each node's memory (the water-filling of Parallax, arXiv 2509.26182). Nodes outside the trusted
/// zones are never given anything, nodes of agreed zones nothing of the model's ends (<see cref="HomeEdges"/>).
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
            + $"{shape.FeedForwardSlices} feed-forward slices), or their memory does not hold it ({trusted.Sum(node => node.MemoryBytes >> 20)} MiB for {shape.Layers * LayerBytes >> 20} MiB of layers)."
            + (trusted.All(IsHome) ? string.Empty : $" Nodes of the home zone '{zones.Home}' must hold the first {zones.HomeLayers} layers and the last one; other zones share those between."));
    }

    /// <summary>The plan with the shortest predicted time for a token, over all strategies and all sets of the fastest trusted nodes.</summary>
    /// <exception cref="ShardPlanException">No node is trusted, or together they cannot hold the model.</exception>
    public ShardPlan Best(long epoch, IReadOnlyList<ShardNode> nodes)
    {
        ArgumentNullException.ThrowIfNull(nodes);
        var trusted = Trusted(nodes).OrderByDescending(node => node.LayersPerSecond).ThenBy(node => node.Name, StringComparer.Ordinal).ToList();
        var home = trusted.Where(IsHome).ToList();
        List<List<ShardNode>> sets = [.. Fastest(trusted), .. home.Count < trusted.Count ? Fastest(home) : []];
        var plans = Choices.SelectMany(strategy => sets.Select(nodes => TryPlan(epoch, strategy, nodes)));
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

    private static IEnumerable<List<ShardNode>> Fastest(List<ShardNode> nodes) => Enumerable.Range(1, nodes.Count).Select(count => nodes[..count]);

    private bool IsHome(ShardNode node) => node.Zone == zones.Home;

    private List<ShardNode> Trusted(IReadOnlyList<ShardNode> nodes)
    {
        var trusted = nodes.Where(node => zones.Admits(node.Zone)).ToList();
        return trusted.Count > 0
            ? trusted
            : throw new ShardPlanException($"No node stands in the trusted zone '{zones.Home}': hidden states give prompts away, so other zones need an explicit agreement.");
    }

    private ShardPlan? TryPlan(long epoch, ShardStrategy strategy, IReadOnlyList<ShardNode> nodes)
    {
        var held = nodes.All(IsHome) ? Cut(strategy, nodes, new SliceRun(0, shape.Layers)) : CutAcross(strategy, nodes);
        return held is null || held.Any(layers => layers.Count == 0)
            ? null
            : new ShardPlan(epoch, strategy, manifest, [.. nodes.Zip(held, (node, layers) => new ShardAssignment(node.Name, node.Zone, layers))], zones.Edges);
    }

    private List<LayerSlices>[]? Cut(ShardStrategy strategy, IReadOnlyList<ShardNode> nodes, SliceRun layers) => strategy switch
    {
        ShardStrategy.None => nodes.Count == 1 ? ByLayers(nodes, layers) : null,
        ShardStrategy.Layer or ShardStrategy.Pipeline => ByLayers(nodes, layers),
        ShardStrategy.Attention => ByHeads(nodes, layers),
        ShardStrategy.Tensor => BySlices(nodes, layers),
        ShardStrategy.TensorPipeline => ByLayersAndSlices(nodes, layers),
        _ => throw new ArgumentOutOfRangeException(nameof(strategy), strategy, "There is no such strategy."),
    };

    // Other zones take part: the ends go to the home nodes alone, what lies between to all.
    private List<LayerSlices>[]? CutAcross(ShardStrategy strategy, IReadOnlyList<ShardNode> nodes)
    {
        var (home, between) = (nodes.Where(IsHome).ToList(), zones.Edges.Between(shape));
        if (home.Count == 0 || between.Length == 0 || strategy == ShardStrategy.None)
        {
            return null;
        }

        if (strategy is ShardStrategy.Layer or ShardStrategy.Pipeline)
        {
            return ByLayersAcross(nodes, home);
        }

        var sliced = strategy == ShardStrategy.TensorPipeline ? ShardStrategy.Tensor : strategy;
        if (Cut(sliced, home, new SliceRun(0, between.First)) is not { } front || Cut(sliced, home, new SliceRun(between.End, shape.Layers)) is not { } back)
        {
            return null;
        }

        var edges = home.Select((node, index) => (node.Name, Layers: front[index].Concat(back[index]).ToList())).ToDictionary(node => node.Name, node => node.Layers, StringComparer.Ordinal);
        var left = nodes.Select(node => node with { MemoryBytes = node.MemoryBytes - (edges.TryGetValue(node.Name, out var held) ? Bytes(held) : 0) }).ToList();
        return left.All(node => node.MemoryBytes >= 0) && Cut(strategy, left, between) is { } middle
            ? [.. nodes.Select((node, index) => middle[index].Concat(edges.GetValueOrDefault(node.Name) ?? []).OrderBy(layer => layer.Layer).ToList())]
            : null;
    }

    // The stream leaves home once and comes back once: home's first layers, the others', home's last layer.
    private List<LayerSlices>[]? ByLayersAcross(IReadOnlyList<ShardNode> nodes, List<ShardNode> home)
    {
        var (edges, away) = (zones.HomeLayers + 1, nodes.Where(node => !IsHome(node)).ToList());
        var counts = Apportion(shape.Layers, nodes, LayerBytes);
        if (counts is null || nodes.Zip(counts).Where(pair => IsHome(pair.First)).Sum(pair => pair.Second) < edges)
        {
            if (Apportion(edges, home, LayerBytes) is not { } mine || Apportion(shape.Layers - edges, away, LayerBytes) is not { } theirs)
            {
                return null;
            }

            var (nextMine, nextTheirs) = (0, 0);
            counts = [.. nodes.Select(node => IsHome(node) ? mine[nextMine++] : theirs[nextTheirs++])];
        }

        var front = nodes.Zip(counts).Where(pair => IsHome(pair.First)).Sum(pair => pair.Second) - 1;
        var atHome = new Queue<int>([.. Enumerable.Range(0, front), shape.Layers - 1]);
        var between = new Queue<int>(Enumerable.Range(front, shape.Layers - 1 - front));
        return [.. nodes.Zip(counts, (node, count) => Enumerable.Range(0, count).Select(_ => Whole((IsHome(node) ? atHome : between).Dequeue())).ToList())];
    }

    private List<LayerSlices>[]? ByLayers(IReadOnlyList<ShardNode> nodes, SliceRun layers)
    {
        var counts = Apportion(layers.Length, nodes, LayerBytes);
        var at = layers.First;
        return counts?.Select(count => Enumerable.Range((at += count) - count, count).Select(Whole).ToList()).ToArray();
    }

    private List<LayerSlices>[]? ByLayersAndSlices(IReadOnlyList<ShardNode> nodes, SliceRun layers)
    {
        if (nodes.Count < 2)
        {
            return ByLayers(nodes, layers);
        }

        ShardNode[][] groups = [[.. nodes.Take((nodes.Count + 1) / 2)], [.. nodes.Skip((nodes.Count + 1) / 2)]];
        var stages = groups.Select(group => group[0] with { LayersPerSecond = group.Sum(node => node.LayersPerSecond), MemoryBytes = group.Sum(node => node.MemoryBytes) }).ToList();
        if (Apportion(layers.Length, stages, LayerBytes) is not [> 0 and var first, > 0])
        {
            return null;
        }

        var cut = layers.First + first;
        var (front, back) = (BySlices(groups[0], new SliceRun(layers.First, cut)), BySlices(groups[1], new SliceRun(cut, layers.End)));
        return front is null || back is null ? null : [.. front, .. back];
    }

    private List<LayerSlices>[]? ByHeads(IReadOnlyList<ShardNode> nodes, SliceRun layers)
    {
        var attention = Runs(shape.AttentionSlices, nodes, layers.Length * AttentionBytes / shape.AttentionSlices);
        var whole = Apportion(layers.Length, nodes, FeedForwardBytes);
        if (attention is null || whole is null)
        {
            return null;
        }

        var owner = Enumerable.Range(0, nodes.Count).SelectMany(node => Enumerable.Range(0, whole[node]).Select(turn => (turn, node))).Order().Select(pair => pair.node).ToList();
        return [.. nodes.Select((_, node) => Enumerable.Range(0, layers.Length)
            .Select(turn => new LayerSlices(layers.First + turn, attention[node], owner[turn] == node ? SliceRun.All(shape.FeedForwardSlices) : SliceRun.None))
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

    private long Bytes(IEnumerable<LayerSlices> layers) => layers.Sum(layer =>
        AttentionBytes * layer.Attention.Length / shape.AttentionSlices + FeedForwardBytes * layer.FeedForward.Length / shape.FeedForwardSlices);

    private long LayerBytes => AttentionBytes + FeedForwardBytes;
}
