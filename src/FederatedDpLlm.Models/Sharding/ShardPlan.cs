using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Sharding;

/// <summary>Who holds what. A plan never changes: another cut is a plan of a later epoch, and frames of an earlier one are refused.</summary>
/// <param name="Epoch">Grows with every plan of a coordinator.</param>
/// <param name="Strategy">How the model was cut.</param>
/// <param name="Manifest">Root of the manifest (<see cref="ShardManifest.Root"/>) of the weights that every shard must hold.</param>
/// <param name="Shards">One a node.</param>
/// <param name="Home">What no other zone may hold any slice of.</param>
public sealed record ShardPlan(long Epoch, ShardStrategy Strategy, ManifestRoot Manifest, IReadOnlyList<ShardAssignment> Shards, HomeEdges Home)
{
    /// <summary>Most nodes of a plan.</summary>
    public const int MostShards = 64;

    /// <summary>Checks that every slice of every layer is held exactly once, and those of the model's ends in the home zone.</summary>
    /// <exception cref="ShardPlanException">They are not, or a node is named twice.</exception>
    public ShardPlan Checked(ModelConfiguration shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        Demand(Epoch > 0, "its epoch is not positive");
        Demand(Shards.Count is > 0 and <= MostShards, $"it has {Shards.Count} shards, allowed are 1 to {MostShards}");
        Demand(Shards.Select(shard => shard.Node).Distinct(StringComparer.Ordinal).Count() == Shards.Count, "a node is named twice");
        foreach (var shard in Shards)
        {
            CheckLayers(shard, shape);
            CheckZone(shard, shape);
        }

        for (var layer = 0; layer < shape.Layers; layer++)
        {
            CheckCover(layer, LayerPart.Attention, shape);
            CheckCover(layer, LayerPart.FeedForward, shape);
        }

        return this;
    }

    private static void CheckLayers(ShardAssignment shard, ModelConfiguration shape)
    {
        var last = -1;
        foreach (var held in shard.Layers)
        {
            Demand(held.Layer > last && held.Layer < shape.Layers, $"the layers of '{shard.Node}' are out of order or beyond the model's {shape.Layers}");
            Demand(IsWithin(held.Attention, shape.AttentionSlices) && IsWithin(held.FeedForward, shape.FeedForwardSlices), $"'{shard.Node}' is given slices that do not exist");
            last = held.Layer;
        }
    }

    private void CheckZone(ShardAssignment shard, ModelConfiguration shape)
    {
        Demand(Home.FirstLayers >= HomeEdges.LeastFirstLayers, $"it keeps {Home.FirstLayers} first layers in the home zone, at least {HomeEdges.LeastFirstLayers} stay", ShardRefusal.EdgeLeavesHome);
        var between = Home.Between(shape);
        foreach (var held in shard.Zone == Home.Zone ? [] : shard.Layers)
        {
            Demand(
                held.Layer >= between.First && held.Layer < between.End,
                $"it gives layer {held.Layer} to '{shard.Node}' of zone '{shard.Zone}', and the first {Home.FirstLayers} layers and the last one stay in the home zone '{Home.Zone}'",
                ShardRefusal.EdgeLeavesHome);
        }
    }

    private void CheckCover(int layer, LayerPart part, ModelConfiguration shape)
    {
        var at = 0;
        foreach (var run in Shards.Select(shard => shard.Slices(layer, part)).Where(run => run.Length > 0).OrderBy(run => run.First))
        {
            Demand(run.First == at, $"layer {layer}'s {part} slice {Math.Min(at, run.First)} is held by none or by two");
            at = run.End;
        }

        Demand(at == shape.Slices(part), $"layer {layer}'s {part} slice {at} is held by none");
    }

    private static bool IsWithin(SliceRun run, int slices) => run.First >= 0 && run.First <= run.End && run.End <= slices;

    private static void Demand(bool holds, string otherwise, ShardRefusal refusal = ShardRefusal.Malformed)
    {
        if (!holds)
        {
            throw new ShardPlanException($"The shard plan cannot be used: {otherwise}.") { Refusal = refusal };
        }
    }
}
