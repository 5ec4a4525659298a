using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Sharding;

/// <summary>What a shard is asked to compute.</summary>
public enum ShardStepKind
{
    /// <summary>Whole layers: stream in, stream out.</summary>
    Layers,

    /// <summary>The held slices of one layer's attention: stream in, one sum a node of the reduction tree out.</summary>
    Attention,

    /// <summary>As <see cref="Attention"/> for the feed-forward part.</summary>
    FeedForward,
}

/// <summary>One stretch of the forward pass, with the shards that take part in it.</summary>
/// <param name="Kind">What they compute.</param>
/// <param name="FirstLayer">The first layer.</param>
/// <param name="EndLayer">The layer after the last.</param>
/// <param name="Shards">Who takes part, in the order of the plan.</param>
/// <param name="Nodes">For each of them its nodes of the reduction tree; empty for whole layers.</param>
internal sealed record ShardStep(ShardStepKind Kind, int FirstLayer, int EndLayer, IReadOnlyList<int> Shards, IReadOnlyList<IReadOnlyList<SliceRun>> Nodes)
{
    /// <summary>The steps of a plan, in order: layers that one shard holds whole are taken together.</summary>
    public static IReadOnlyList<ShardStep> Of(ShardPlan plan, ModelConfiguration shape)
    {
        var steps = new List<ShardStep>();
        for (var layer = 0; layer < shape.Layers; layer++)
        {
            var attention = Holders(plan, layer, LayerPart.Attention);
            var feedForward = Holders(plan, layer, LayerPart.FeedForward);
            if (attention is not [var only] || feedForward is not [var other] || only != other)
            {
                steps.Add(new ShardStep(ShardStepKind.Attention, layer, layer + 1, attention, NodesOf(plan, layer, LayerPart.Attention, attention, shape)));
                steps.Add(new ShardStep(ShardStepKind.FeedForward, layer, layer + 1, feedForward, NodesOf(plan, layer, LayerPart.FeedForward, feedForward, shape)));
            }
            else if (steps is [.., { Kind: ShardStepKind.Layers } last] && last.Shards[0] == only)
            {
                steps[^1] = last with { EndLayer = layer + 1 };
            }
            else
            {
                steps.Add(new ShardStep(ShardStepKind.Layers, layer, layer + 1, attention, []));
            }
        }

        return steps;
    }

    private static List<int> Holders(ShardPlan plan, int layer, LayerPart part) =>
        [.. Enumerable.Range(0, plan.Shards.Count).Where(shard => plan.Shards[shard].Slices(layer, part).Length > 0)];

    private static List<IReadOnlyList<SliceRun>> NodesOf(ShardPlan plan, int layer, LayerPart part, List<int> holders, ModelConfiguration shape) =>
        holders.ConvertAll<IReadOnlyList<SliceRun>>(shard => [.. plan.Shards[shard].Slices(layer, part).Nodes(shape.Slices(part))]);
}
