using CsCheck;
using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Tests.Accounting;

public sealed class ZeroConcentratedTests
{
    // Canonne, Kamath, Steinke, arXiv:2004.00010, Corollary 13, evaluated with 50 digits elsewhere.
    [Theory, InlineData(0.1, 2.14193892838547), InlineData(2.0, 11.6885962493549)]
    public void The_tight_conversion_gives_the_published_epsilons(double rho, double expected) =>
        Assert.Equal(expected, ZeroConcentrated.EpsilonAt(new(rho), new(1e-6)), expected * 1e-12);

    [Theory, InlineData(1, 0.0243559703595384), InlineData(4, 0.311064954940835), InlineData(10, 1.53927876386673)]
    public void The_way_back_gives_the_published_rhos(double epsilon, double expected) =>
        Assert.Equal(expected, ZeroConcentrated.RhoFor(new(epsilon), new(1e-6)).Value, expected * 1e-9);

    [Fact]
    public void There_and_back_never_gains_and_loses_next_to_nothing() =>
        Gen.Select(Gen.Double[-9, 3], Gen.Double[-15, -0.5]).Sample((logEpsilon, logDelta) =>
        {
            Epsilon epsilon = new(Math.Pow(10, logEpsilon));
            Delta delta = new(Math.Pow(10, logDelta));
            var there = ZeroConcentrated.EpsilonAt(ZeroConcentrated.RhoFor(epsilon, delta), delta);
            Assert.InRange(there, 0, epsilon.Value);
            Assert.True(there >= epsilon.Value * (1 - 1e-9) - 1e-12 || there == 0, $"{there} of {epsilon}");
        });

    [Fact]
    public void At_delta_0_nothing_but_nothing_is_free()
    {
        Assert.Equal(double.PositiveInfinity, ZeroConcentrated.EpsilonAt(new(1e-300), new(0)));
        Assert.Equal(0, ZeroConcentrated.EpsilonAt(new(0), new(0)));
        Assert.Equal(0, ZeroConcentrated.RhoFor(new(5), new(0)).Value);
    }

    [Theory, InlineData(0, 1e-6), InlineData(5e-324, 1e-6), InlineData(1e300, 1e-6), InlineData(1, 5e-324), InlineData(1, 0.9999999999999999), InlineData(1e-300, 0.5)]
    public void The_ends_of_the_range_give_a_number(double rho, double delta)
    {
        var epsilon = ZeroConcentrated.EpsilonAt(new(rho), new(delta));
        Assert.True(double.IsFinite(epsilon) && epsilon >= 0);
    }

    [Fact]
    public void An_event_n_times_costs_n_times_the_event()
    {
        var once = new ExponentialMechanismEvent(0.1, NeighbouringRelation.ReplaceOne);
        Assert.Equal(1000 * 0.01 / 8, ZeroConcentrated.RhoOf(once.Times(1000)), 1e-12);
        Assert.Equal(
            ZeroConcentrated.RhoOf(once.Times(3)),
            ZeroConcentrated.RhoOf(new ComposedEvent(NeighbouringRelation.ReplaceOne, once, once, once)), 1e-15);
        Assert.Equal(0, ZeroConcentrated.RhoOf(new NonPrivateEvent(NeighbouringRelation.ReplaceOne).Times(0)));
    }

    [Fact]
    public void Events_of_different_relations_do_not_compose() =>
        Assert.Throws<ArgumentException>(() => new ComposedEvent(
            NeighbouringRelation.ReplaceOne, new ExponentialMechanismEvent(1, NeighbouringRelation.ReplaceByNothing)));
}
