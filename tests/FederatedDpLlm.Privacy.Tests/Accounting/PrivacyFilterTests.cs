using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Tests.Accounting;

public sealed class PrivacyFilterTests
{
    private const NeighbouringRelation Replace = NeighbouringRelation.ReplaceOne;
    private static readonly Delta Delta = new(1e-6);

    [Fact]
    public void A_filter_admits_what_fits_and_nothing_more()
    {
        var filter = PrivacyFilter.Pure(new(1));
        Assert.True(filter.TryAdmit(new PureEvent(new(0.5), Replace)));
        Assert.False(filter.TryAdmit(new PureEvent(new(0.6), Replace)));
        Assert.True(filter.TryAdmit(new PureEvent(new(0.5), Replace)));
        Assert.Equal(1, filter.EpsilonSpent);
        Assert.False(filter.TryAdmit(double.Epsilon), "The smallest cost counts.");
        Assert.True(filter.TryAdmit(new ZeroEvent("public-model", Replace)));
    }

    [Theory, InlineData(double.NaN), InlineData(-1), InlineData(double.PositiveInfinity), InlineData(1e9)]
    public void What_is_no_cost_is_refused(double cost) => Assert.False(PrivacyFilter.Pure(new(100)).TryAdmit(cost));

    [Fact]
    public void Every_filter_stops_within_its_promise()
    {
        PrivacyFilter[] filters =
        [
            PrivacyFilter.For(Currency.Basic(Delta), new(2)), PrivacyFilter.For(Currency.Advanced(Delta), new(2)), PrivacyFilter.For(Currency.ZeroConcentrated(Delta), new(2)),
            PrivacyFilter.For(Currency.Renyi(new Epsilon(2), Delta), new(2)), PrivacyFilter.Gaussian(new(2), Delta),
        ];
        foreach (var filter in filters)
        {
            var admitted = 0;
            while (filter.TryAdmit(new GaussianEvent(20, Replace)))
            {
                admitted++;
            }

            Assert.InRange(admitted, 1, 10_000);
            Assert.InRange(filter.EpsilonSpent, 0, 2);
            Assert.True(PrivacyLoss.EpsilonAt(new GaussianEvent(20, Replace).Times(admitted), Delta).Upper <= 2);
        }
    }
}
