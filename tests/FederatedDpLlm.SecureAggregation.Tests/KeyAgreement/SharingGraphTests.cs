using FederatedDpLlm.SecureAggregation.KeyAgreement;

namespace FederatedDpLlm.SecureAggregation.Tests.KeyAgreement;

public sealed class SharingGraphTests
{
    // (k, t) against a coordinator that may lie: recomputed from the criteria of Bell et al. with exact rational arithmetic.
    [Theory]
    [InlineData(64, 0.05, 0.05, 10, 7), InlineData(64, 0.1, 0.1, 20, 14), InlineData(64, 0.2, 0.1, 26, 20), InlineData(64, 0.33, 0.1, 34, 28)]
    [InlineData(100, 0.05, 0.05, 16, 11), InlineData(100, 0.1, 0.1, 32, 22), InlineData(100, 0.2, 0.1, 42, 32), InlineData(100, 0.33, 0.1, 54, 44)]
    [InlineData(256, 0.05, 0.05, 34, 24), InlineData(256, 0.1, 0.1, 62, 43), InlineData(256, 0.2, 0.1, 84, 63), InlineData(256, 0.33, 0.1, 116, 92)]
    [InlineData(1000, 0.05, 0.05, 52, 37), InlineData(1000, 0.1, 0.1, 96, 67), InlineData(1000, 0.2, 0.1, 140, 104), InlineData(1000, 0.33, 0.1, 218, 171)]
    public void Degree_and_threshold_are_the_published_ones(int clients, double corrupt, double dropped, int degree, int threshold) =>
        Assert.Equal(new SharingParameters(degree, threshold, IsComplete: false), SharingParameters.FindHarary(clients, corrupt, dropped));

    [Theory, InlineData(4, 3), InlineData(5, 4), InlineData(6, 5), InlineData(16, 11), InlineData(64, 43)]
    public void Small_rounds_take_the_complete_graph_and_more_than_two_thirds(int clients, int threshold) =>
        Assert.Equal(new SharingParameters(clients - 1, threshold, IsComplete: true), SharingParameters.For(clients, 0.1, 0.1));

    [Fact]
    public void A_round_that_no_graph_protects_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => SharingParameters.For(65, 0.7, 0.15));

    [Theory, InlineData(4, 1), InlineData(5, 2), InlineData(9, 4), InlineData(16, 5), InlineData(64, 21)]
    public void A_small_round_admits_only_as_many_corrupt_clients_as_cannot_open_a_secret_twice(int clients, int corrupt)
    {
        var admitted = SharingParameters.For(clients, (double)corrupt / clients, 0.1);
        Assert.True((2 * admitted.Threshold) - clients > corrupt);
        Assert.False((2 * admitted.Threshold) - clients > corrupt + 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => SharingParameters.For(clients, (corrupt + 1.0) / clients, 0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => SharingParameters.For(clients, double.NaN, 0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => SharingParameters.For(clients, -0.1, 0.1));
    }

    [Fact]
    public void The_ring_gives_everybody_k_neighbours_each_way_round_and_follows_from_the_seed_alone()
    {
        var members = Enumerable.Range(0, 100).Where(i => i % 10 != 3).ToArray();
        var parameters = new SharingParameters(32, 22, IsComplete: false);
        var graph = SharingGraph.Build(100, members, parameters, new byte[32]);
        Assert.All(members, member =>
        {
            Assert.Equal(32, graph.HoldersOf(member).Length);
            Assert.All(graph.HoldersOf(member).ToArray(), other => Assert.True(graph.AreNeighbours(other, member)));
            Assert.False(graph.AreNeighbours(member, member));
        });
        Assert.True(graph.HoldersOf(3).IsEmpty);
        var other = SharingGraph.Build(100, members, parameters, [1, .. new byte[31]]);
        Assert.NotEqual(graph.HoldersOf(0).ToArray(), other.HoldersOf(0).ToArray());
        Assert.Equal(graph.HoldersOf(0).ToArray(), SharingGraph.Build(100, members, parameters, new byte[32]).HoldersOf(0).ToArray());
    }
}
