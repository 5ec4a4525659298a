using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

public sealed class RoundParametersTests
{
    // Complete graph: the threshold of shares. Beyond it, and where a committee holds the shares: four, and two more than may collude.
    [Theory]
    [InlineData(4, AggregationMode.Mask, 3), InlineData(5, AggregationMode.Mask, 4), InlineData(6, AggregationMode.Homomorphic, 5), InlineData(9, AggregationMode.Committee, 7)]
    [InlineData(16, AggregationMode.Mask, 11), InlineData(64, AggregationMode.Mask, 43), InlineData(100, AggregationMode.Mask, 12), InlineData(20, AggregationMode.Committee, 4)]
    public void No_round_may_sum_fewer_updates_than_the_floor(int clients, AggregationMode mode, int floor)
    {
        using var federation = new Federation(clients, 8, mode, minimumSurvivors: floor);
        Assert.Equal(floor, federation.Parameters.MinimumSurvivors);
        Assert.Equal(floor, RoundParameters.LeastSurvivors(clients, mode, corruptFraction: 0.1, dropoutFraction: 0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => federation.ParametersOf(mode, 8, minimumSurvivors: floor - 1));
    }

    [Fact]
    public void However_many_may_collude_two_honest_updates_stay_in_a_sum()
    {
        foreach (var mode in Enum.GetValues<AggregationMode>())
        {
            foreach (var clients in Enumerable.Range(4, 61).Concat([65, 100, 500, 1024]))
            {
                for (var corrupt = 0; corrupt * 4 <= clients; corrupt++)
                {
                    Assert.True(RoundParameters.LeastSurvivors(clients, mode, (double)corrupt / clients, 0.05) >= corrupt + 2);
                }
            }
        }
    }

    [Theory, InlineData(double.NaN), InlineData(-0.1), InlineData(1.5), InlineData(double.PositiveInfinity)]
    public void A_fraction_that_is_none_is_refused_at_every_size(double fraction)
    {
        foreach (var clients in new[] { 4, 64, 65 })
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => SharingParameters.For(clients, 0.1, fraction));
            Assert.Throws<ArgumentOutOfRangeException>(() => SharingParameters.For(clients, fraction, 0.1));
        }
    }
}
