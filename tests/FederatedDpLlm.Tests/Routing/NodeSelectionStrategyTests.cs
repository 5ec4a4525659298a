using CsCheck;
using FederatedDpLlm.Federation.Nodes.Links;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.Protocol;
using FederatedDpLlm.Routing.Strategies;

namespace FederatedDpLlm.Tests.Routing;

public sealed class NodeSelectionStrategyTests
{
    [Fact]
    public void Privacy_aware_takes_the_node_with_most_data_budget_left() =>
        Assert.Equal("b", new PrivacyAwareStrategy().Choose([Node("a", spent: 60), Node("b", spent: 10), Node("c", spent: 90)]).Id);

    [Fact]
    public void Privacy_aware_takes_the_least_loaded_among_equal_budgets() =>
        Assert.Equal("b", new PrivacyAwareStrategy().Choose([Node("a", inFlight: 3), Node("b", inFlight: 1), Node("c", inFlight: 2)]).Id);

    [Fact]
    public void A_reservation_counts_as_budget_that_is_gone() =>
        Assert.Equal("b", new PrivacyAwareStrategy().Choose([Node("a", spent: 10, reserved: 50), Node("b", spent: 50)]).Id);

    [Fact]
    public void Load_balanced_never_takes_the_worse_of_its_two() => Gen.Int[1, 8].Select(Gen.Int[0, 50].Array[8]).Sample((count, loads) =>
    {
        var nodes = Enumerable.Range(0, count).Select(index => Node($"n{index}", inFlight: loads[index])).ToList();
        using var random = new SecureRandom();
        var chosen = new LoadBalancedStrategy(random).Choose(nodes);
        // The only node that two different draws can never yield is the single worst one.
        var worst = nodes.MaxBy(node => node.InFlight)!;
        Assert.True(count == 1 || chosen.InFlight < worst.InFlight || nodes.Count(node => node.InFlight == worst.InFlight) > 1);
    });

    [Theory]
    [InlineData(8, 8, 0, 0, "the other")]
    [InlineData(7, 8, 0, 1, "this")]
    [InlineData(8, 8, 24, 5, "this")]
    [InlineData(8, 8, 40, 3, "the other")]
    [InlineData(4, null, 12, 2, "the other")]
    [InlineData(4, null, 12, 4, "this")]
    [InlineData(50, null, 0, 1, "this")]
    [InlineData(0, 0, 3, 2, "the other")]
    public void Load_balanced_counts_what_waits_at_an_engine_that_others_keep_busy(int running, int? slots, int waiting, int elsewhere, string expected)
    {
        using var random = new SecureRandom();
        var load = new EngineLoad { Running = running, Waiting = waiting };
        if (slots is { } most)
        {
            load.Slots = most;
        }

        Assert.Equal(expected, new LoadBalancedStrategy(random).Choose([Node("this", engine: load), Node("the other", inFlight: elsewhere)]).Id);
    }

    [Fact]
    public void Round_robin_takes_each_in_turn()
    {
        var strategy = new RoundRobinStrategy();
        NodeSnapshot[] nodes = [Node("a"), Node("b"), Node("c")];
        Assert.Equal(["a", "b", "c", "a", "b", "c"], Enumerable.Range(0, 6).Select(_ => strategy.Choose(nodes).Id));
    }

    private static NodeSnapshot Node(string id, long spent = 0, long reserved = 0, int inFlight = 0, EngineLoad? engine = null)
    {
        var status = new NodeStatus { Engine = engine };
        status.Accounts.Add(new Account { BudgetUnits = 100, SpentUnits = spent, ReservedUnits = reserved });
        return new NodeSnapshot(id, true, inFlight, 10, status, null, null);
    }
}
