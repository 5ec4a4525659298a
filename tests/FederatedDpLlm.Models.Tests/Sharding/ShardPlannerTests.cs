using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Models.Tests.Llama;

namespace FederatedDpLlm.Models.Tests.Sharding;

/// <summary>The planner follows speed, memory, distance and trust.</summary>
public sealed class ShardPlannerTests
{
    private static readonly ShardedRandomModel Model = new(RandomModel.Shape with { Layers = 8, Heads = 8, KeyValueHeads = 8, HeadSize = 6, FeedForwardWidth = 64 });
    private static readonly ShardPlanner Planner = new(Model.Shape, Model.Model.Manifest.Root, TrustZones.Only("home"));

    [Fact]
    public void A_node_twice_as_fast_gets_twice_the_layers()
    {
        var plan = Planner.Plan(1, ShardStrategy.Layer, [Node("slow", 100), Node("slow too", 100), Node("fast", 200)]);
        Assert.Equal([2, 2, 4], plan.Shards.Select(shard => shard.Layers.Count));
    }

    [Fact]
    public void A_node_gets_no_more_than_its_memory_holds()
    {
        var layerBytes = 4L * Model.Shape.Width * (2 * Model.Shape.QueryWidth + 2 * Model.Shape.KeyValueWidth + 3 * Model.Shape.FeedForwardWidth);
        var plan = Planner.Plan(1, ShardStrategy.Layer, [Node("small", 1000) with { MemoryBytes = 2 * layerBytes }, Node("big", 10)]);
        Assert.Equal([2, 6], plan.Shards.Select(shard => shard.Layers.Count));
        Assert.Throws<ShardPlanException>(() => Planner.Plan(1, ShardStrategy.Layer, [Node("small", 1000) with { MemoryBytes = 2 * layerBytes }]));
    }

    [Fact]
    public void A_node_outside_the_trusted_zones_gets_nothing_unless_an_agreement_names_its_zone()
    {
        ShardNode[] nodes = [Node("ours", 10), Node("cloud", 40) with { Zone = "elsewhere" }];
        Assert.Equal(["ours"], Planner.Best(1, nodes).Shards.Select(shard => shard.Node));
        Assert.Throws<ShardPlanException>(() => Planner.Plan(1, ShardStrategy.Tensor, [nodes[1]]));

        var agreed = new TrustZones("home", ["elsewhere"]);
        var crossing = new ShardPlanner(Model.Shape, Model.Model.Manifest.Root, agreed).Plan(1, ShardStrategy.Tensor, nodes);
        Assert.Equal(["cloud"], agreed.Crossings(crossing).Select(shard => shard.Node));
    }

    [Fact]
    public void Far_nodes_are_left_out_where_their_round_trips_cost_more_than_they_save()
    {
        ShardNode[] far = [Node("near", 1000), Node("far", 1000) with { RoundTrip = TimeSpan.FromMilliseconds(40) }];
        ShardNode[] near = [Node("near", 10), Node("near too", 10)];
        Assert.Single(Planner.Best(1, far).Shards);
        Assert.Equal(ShardStrategy.Tensor, Planner.Best(1, near).Strategy);
    }

    [Fact]
    public void A_plan_that_leaves_a_slice_out_or_gives_it_twice_is_refused()
    {
        var plan = Planner.Plan(1, ShardStrategy.Tensor, BitEqualityTests.Nodes(4));
        Assert.Throws<ShardPlanException>(() => (plan with { Shards = [.. plan.Shards.Skip(1)] }).Checked(Model.Shape));
        Assert.Throws<ShardPlanException>(() => (plan with { Shards = [.. plan.Shards, plan.Shards[0] with { Node = "twin" }] }).Checked(Model.Shape));
        Assert.Throws<ShardPlanException>(() => (plan with { Shards = [.. plan.Shards, plan.Shards[0]] }).Checked(Model.Shape));
    }

    [Fact]
    public void A_shard_refuses_weights_that_are_not_the_manifests()
    {
        var other = new ShardedRandomModel(Model.Shape with { Layers = 8, RotaryTheta = 20_000 });
        var plan = Planner.Plan(1, ShardStrategy.Tensor, BitEqualityTests.Nodes(2));
        var parameters = RandomModel.Weights(Model.Shape);
        parameters[Models.Weights.TensorNames.Down(5)].Span[17] += 1e-3f;
        var refused = Assert.Throws<ShardRefusedException>(
            () => plan.Shards.Select(shard => new ShardEngine(Model.Shape, parameters, Model.Model.Manifest, shard, 1)).ToList());
        Assert.Equal(ShardRefusal.Weights, refused.Refusal);
        Assert.Contains("layer 5", refused.Message, StringComparison.Ordinal);

        // The same weights under another arithmetic are another model.
        Assert.NotEqual(Model.Model.Manifest.Root, other.Model.Manifest.Root);
    }

    [Fact]
    public void A_shard_that_lacks_earlier_positions_says_so_and_changes_nothing()
    {
        var plan = Planner.Plan(1, ShardStrategy.None, BitEqualityTests.Nodes(1));
        using var engine = new ShardEngine(Model.Shape, RandomModel.Weights(Model.Shape), Model.Model.Manifest, plan.Shards[0], 1);
        var session = Guid.NewGuid();
        ShardWork At(int position, int rows = 1) => new(ShardStepKind.Layers, 0, 8, [new ShardRows(session, position, rows)], new float[rows * Model.Shape.Width]);

        Assert.Equal(ShardRefusal.Gap, Assert.Throws<ShardRefusedException>(() => engine.Compute(At(1))).Refusal);
        engine.Compute(At(0));
        engine.Compute(At(1));
        Assert.Equal(ShardRefusal.Gap, Assert.Throws<ShardRefusedException>(() => engine.Compute(At(3))).Refusal);
        Assert.Equal(ShardRefusal.Malformed, Assert.Throws<ShardRefusedException>(() => engine.Compute(At(199, 2))).Refusal);
        Assert.Equal(ShardRefusal.Malformed, Assert.Throws<ShardRefusedException>(() => engine.Compute(At(2) with { EndLayer = 9 })).Refusal);
        engine.Close(session);
        Assert.Equal(0, engine.SessionCount);
    }

    private static ShardNode Node(string name, double speed) => new(name, "home", speed, TimeSpan.FromMilliseconds(0.05), 1L << 40);
}
