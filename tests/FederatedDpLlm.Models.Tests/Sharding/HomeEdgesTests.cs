using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Models.Tests.Llama;

namespace FederatedDpLlm.Models.Tests.Sharding;

/// <summary>Where an agreement opens another zone, the ends of the model stay at home all the same.</summary>
public sealed class HomeEdgesTests
{
    private static readonly ShardedRandomModel Model = new(RandomModel.Shape with { Layers = 8, Heads = 8, KeyValueHeads = 8, HeadSize = 6, FeedForwardWidth = 64 });
    private static readonly ShardStrategy[] Strategies = [ShardStrategy.Layer, ShardStrategy.Pipeline, ShardStrategy.Attention, ShardStrategy.Tensor, ShardStrategy.TensorPipeline];

    [Theory, InlineData(1), InlineData(4), InlineData(5)]
    public async Task Every_strategy_keeps_the_ends_at_home_and_gives_the_bits_of_the_unsharded_model(int homeLayers)
    {
        var tokens = RandomModel.Tokens(40, 3);
        var expected = Model.Unsharded(tokens).AsMemory(^Model.Shape.Vocabulary..).ToArray();
        foreach (var strategy in Strategies)
        {
            foreach (var nodes in new[] { Nodes("home", "away"), Nodes("away", "home"), Nodes("away", "home", "away"), Nodes("home", "away", "home") })
            {
                if (strategy == ShardStrategy.None)
                {
                    continue;
                }

                var plan = Planner(homeLayers).Plan(1, strategy, nodes);
                RequireEndsAtHome(plan, homeLayers);
                Assert.Equal(nodes.Count, plan.Shards.Count);
                Assert.Equal(expected, await Model.Cut(plan).PrefillAsync(Guid.NewGuid(), 0, tokens, 7, TestContext.Current.CancellationToken));
            }
        }
    }

    [Fact]
    public void However_fast_another_zone_is_it_gets_none_of_the_ends()
    {
        ShardNode[] nodes = [.. Nodes("home", "away").Select(node => node with { LayersPerSecond = node.Zone == "away" ? 1e6 : 1 })];
        foreach (var strategy in Strategies)
        {
            RequireEndsAtHome(Planner(4).Plan(1, strategy, nodes), 4);
        }

        var best = Planner(4).Best(1, nodes);
        RequireEndsAtHome(best, 4);
        Assert.Contains(best.Shards, shard => shard.Zone == "away");
        Assert.Equal([0, 1, 2, 3, 7], Planner(4).Plan(1, ShardStrategy.Layer, nodes).Shards[0].Layers.Select(held => held.Layer));
    }

    [Fact]
    public void A_slow_home_alone_is_considered_beside_fast_nodes_that_are_far()
    {
        ShardNode[] nodes = [.. Nodes("home", "away").Select(node => node.Zone == "away" ? node with { LayersPerSecond = 2000, RoundTrip = TimeSpan.FromSeconds(1) } : node)];
        Assert.Equal(["home"], Planner(4).Best(1, nodes).Shards.Select(shard => shard.Zone));
    }

    [Fact]
    public void Without_a_home_node_that_can_hold_the_ends_there_is_no_plan_and_the_reason_says_so()
    {
        var small = Nodes("home", "away");
        small[0] = small[0] with { MemoryBytes = 1000 };
        foreach (var nodes in new[] { Nodes("away"), Nodes("away", "away"), small })
        {
            foreach (var strategy in Strategies)
            {
                var refused = Assert.Throws<ShardPlanException>(() => Planner(4).Plan(1, strategy, nodes));
                Assert.Contains("home zone 'home'", refused.Message, StringComparison.Ordinal);
            }

            Assert.Throws<ShardPlanException>(() => Planner(4).Best(1, nodes));
        }

        // Nothing lies between the ends: nothing can cross.
        Assert.Throws<ShardPlanException>(() => Planner(7).Plan(1, ShardStrategy.Tensor, Nodes("home", "away")));
    }

    [Theory, InlineData(0), InlineData(1), InlineData(2), InlineData(7)]
    public void A_plan_that_gives_one_slice_of_an_end_to_another_zone_is_refused_by_name(int layer)
    {
        var plan = new ShardPlanner(Model.Shape, Model.Model.Manifest.Root, TrustZones.Only("home")).Plan(1, ShardStrategy.Tensor, Nodes("home", "home"));
        var between = plan with { Home = new HomeEdges("home", 3) };
        Assert.Same(between, between.Checked(Model.Shape));

        // One node more, in another zone, takes the first node's attention in one layer.
        ShardPlan Crossing(int held)
        {
            var first = plan.Shards[0];
            var taken = first.Layers[held];
            return between with
            {
                Shards =
                [
                    first with { Layers = [.. first.Layers.Select(slices => slices.Layer == held ? slices with { Attention = SliceRun.None } : slices)] },
                    plan.Shards[1], new ShardAssignment("curious", "away", [taken with { FeedForward = SliceRun.None }]),
                ],
            };
        }

        var refused = Assert.Throws<ShardPlanException>(() => Crossing(layer).Checked(Model.Shape));
        Assert.Equal(ShardRefusal.EdgeLeavesHome, refused.Refusal);
        Assert.Contains($"layer {layer} to 'curious'", refused.Message, StringComparison.Ordinal);
        Crossing(3).Checked(Model.Shape);
        Crossing(6).Checked(Model.Shape);
    }

    [Theory, InlineData(0), InlineData(-1)]
    public void No_agreement_lets_the_first_layer_go(int homeLayers)
    {
        var plan = Planner(4).Plan(1, ShardStrategy.Tensor, Nodes("home", "away"));
        Assert.Equal(ShardRefusal.EdgeLeavesHome, Assert.Throws<ShardPlanException>(() => (plan with { Home = new HomeEdges("home", homeLayers) }).Checked(Model.Shape)).Refusal);
    }

    private static void RequireEndsAtHome(ShardPlan plan, int homeLayers)
    {
        var away = plan.Shards.Where(shard => shard.Zone != "home").SelectMany(shard => shard.Layers).Select(held => held.Layer).ToList();
        Assert.NotEmpty(away);
        Assert.All(away, layer => Assert.InRange(layer, homeLayers, Model.Shape.Layers - 2));
    }

    private static ShardPlanner Planner(int homeLayers) => new(Model.Shape, Model.Model.Manifest.Root, new TrustZones("home", ["away"]) { HomeLayers = homeLayers });

    private static List<ShardNode> Nodes(params string[] zones) =>
        [.. zones.Select((zone, index) => new ShardNode($"{zone}-{index}", zone, 1000, TimeSpan.FromMilliseconds(0.05), 1L << 30))];
}
