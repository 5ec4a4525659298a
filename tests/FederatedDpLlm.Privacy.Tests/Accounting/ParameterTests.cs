using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Tests.Accounting;

/// <summary>What is no event is not built, and an accountant asked about nothing says so.</summary>
public sealed class ParameterTests
{
    private const NeighbouringRelation Add = NeighbouringRelation.AddOrRemoveOne;
    private const NeighbouringRelation Replace = NeighbouringRelation.ReplaceOne;

    [Fact]
    public void What_is_no_event_is_refused()
    {
        var part = new GaussianEvent(1, Replace);
        Action[] wrong =
        [
            () => _ = new GaussianEvent(-1, Add), () => _ = new GaussianEvent(double.NaN, Add), () => _ = new GaussianEvent(double.PositiveInfinity, Add),
            () => _ = new LaplaceEvent(-1, Add), () => _ = new DiscreteLaplaceEvent(-1, 1, Add), () => _ = new DiscreteLaplaceEvent(1, -1, Add),
            () => _ = new DiscreteGaussianEvent(-1, 1, Add), () => _ = new DiscreteGaussianEvent(1, -1, Add), () => _ = new ExponentialMechanismEvent(-1, Add),
            () => _ = new ClippedLogitDecodingEvent(-1, 1, 1, Add), () => _ = new ClippedLogitDecodingEvent(1, 0, 1, Add), () => _ = new ClippedLogitDecodingEvent(1, 1, 0, Add),
            () => _ = new RandomizedResponseEvent(-0.1, 2, Replace), () => _ = new RandomizedResponseEvent(1.1, 2, Replace), () => _ = new RandomizedResponseEvent(0.5, 1, Replace),
            () => _ = new SampledWithoutReplacementEvent(0, 0, part), () => _ = new SampledWithoutReplacementEvent(10, -1, part), () => _ = new SampledWithoutReplacementEvent(10, 11, part),
            () => _ = new PoissonSampledEvent(-0.1, part), () => _ = new PoissonSampledEvent(1.1, part), () => _ = part.Times(-1), () => _ = new TreeAggregationEvent(-1, 1, Add), () => _ = new MatrixMechanismEvent(-1, 1, 1, Add),
            () => Currency.Renyi(new RenyiOrder(1), new(1e-6)), () => Currency.Renyi(new RenyiOrder(double.PositiveInfinity), new(1e-6)), () => _ = new RenyiOrder(0.99), () => _ = new RenyiOrder(double.NaN),
        ];
        Assert.All(wrong, build => Assert.Throws<ArgumentOutOfRangeException>(build));
        Assert.Throws<ArgumentException>(() => new SampledWithoutReplacementEvent(10, 1, new GaussianEvent(1, Add)));
        Assert.Throws<ArgumentException>(() => new RandomizedResponseEvent(0.5, 2, Add));
        Assert.Throws<ArgumentException>(() => new ZeroEvent(" ", Add));
        Assert.Throws<ArgumentNullException>(() => new SampledWithoutReplacementEvent(10, 1, null!));
    }

    [Fact]
    public void The_ends_of_every_range_are_in_it()
    {
        Assert.Equal(0, Renyi.DivergenceOf(new SampledWithoutReplacementEvent(1, 0, new GaussianEvent(1, Replace)), new(2)));
        Assert.Equal(0, PureDp.EpsilonOf(new RandomizedResponseEvent(1, 2, Replace)), 1e-15);
        Assert.Equal(double.PositiveInfinity, PureDp.EpsilonOf(new RandomizedResponseEvent(0, 2, Replace)));
        Assert.Equal(0, PureDp.EpsilonOf(new ClippedLogitDecodingEvent(0, 1, 1, Replace)));
        Assert.Equal(0, PureDp.EpsilonOf(new PureEvent(new(1), Add).Times(0)));
    }

    [Fact]
    public void Accountants_asked_about_nothing_say_so()
    {
        Action[] nothing =
        [
            () => Renyi.DivergenceOf(null!, new(2)), () => Renyi.EpsilonAt(null!, new(1e-6)), () => PureDp.EpsilonOf(null!), () => ZeroConcentrated.RhoOf(null!), () => RenyiCurve.Of(null!),
            () => PrivacyLoss.EpsilonAt(null!, new(1e-6)), () => RenyiCurve.Of(new PureEvent(new(1), Add)).And(null!),
        ];
        Assert.All(nothing, ask => Assert.Throws<ArgumentNullException>(ask));
    }

    [Fact]
    public void A_pure_epsilon_is_the_largest_log_ratio()
    {
        // Noise 1/2 over 4 answers: 5/8 for the truth, 1/8 for each other.
        Assert.Equal(Math.Log(5), PureDp.EpsilonOf(new RandomizedResponseEvent(0.5, 4, Replace)), 1e-13);
        Assert.Equal(Math.Log(2.5), PureDp.EpsilonOf(new RandomizedResponseEvent(0.5, 4, NeighbouringRelation.ReplaceByNothing)), 1e-13);
        Assert.Equal(Math.Log(10), PureDp.EpsilonOf(new RandomizedResponseEvent(0.1, 4, NeighbouringRelation.ReplaceByNothing)), 1e-13);
        Assert.True(PureDp.EpsilonOf(new RandomizedResponseEvent(0.5, 4, Replace)) >= Math.Log(5));

        // ln(1 + q (e - 1)), drawn or not; under replacement of a Poisson sample nothing is gained but at rate 0.
        var (add, replace) = (new PureEvent(new(1), Add), new PureEvent(new(1), Replace));
        var amplified = Math.Log(1 + (0.25 * (Math.E - 1)));
        Assert.Equal(amplified, PureDp.EpsilonOf(new PoissonSampledEvent(0.25, add)), 1e-13);
        Assert.Equal(amplified, PureDp.EpsilonOf(new SampledWithoutReplacementEvent(100, 25, replace)), 1e-13);
        Assert.Equal((1, 0, 1, 0), (PureDp.EpsilonOf(new PoissonSampledEvent(0.25, replace)), PureDp.EpsilonOf(new PoissonSampledEvent(0, replace)), PureDp.EpsilonOf(new PoissonSampledEvent(1, add)), PureDp.EpsilonOf(new PoissonSampledEvent(0, add))));
        Assert.Equal(30.5, PureDp.EpsilonOf(new PoissonSampledEvent(0.999999, new PureEvent(new(30.5), Add))), 1e-5);
        Assert.Equal(3, PureDp.EpsilonOf(new RepeatAndSelectEvent(add, 10, 1)));
        Assert.Equal(2, PureDp.EpsilonOf(new RepeatAndSelectEvent(add, 10, -0.5)));
        Assert.Equal(0.75, PureDp.EpsilonOf(new AboveThresholdEvent(new(0.25), new(0.5), 3, Add)));
        Assert.Equal(1.5, PureDp.EpsilonOf(new DiscreteLaplaceEvent(2, 3, Add)));
    }

    [Fact]
    public void A_guarantee_at_its_own_delta_is_itself()
    {
        foreach (var delta in new[] { 1e-9, 1e-4, 0.1 })
        {
            var bracket = PrivacyLoss.EpsilonAt(new ApproximateEvent(new(0.8), new(delta), Replace), new(delta));
            Assert.Equal((0.8, 0.8), (bracket.Lower, bracket.Upper), (one, other) => Math.Abs(one.Item1 - other.Item1) < 1e-10 && one.Item2 == other.Item2);
            Assert.Equal(double.PositiveInfinity, PrivacyLoss.EpsilonAt(new ApproximateEvent(new(0.8), new(delta), Replace), new(delta * 0.999)).Upper);
        }
    }

    [Fact]
    public void Compositions_of_fewer_than_none_are_refused_and_one_choice_has_its_profile()
    {
        Action[] wrong =
        [
            () => AdvancedComposition.DworkRothblumVadhan(new(1), -1, new(1e-6)), () => AdvancedComposition.OptimalDelta(new(1), default, -1, 1), () => AdvancedComposition.EpsilonEach(new(1), new(0.1), default, 0),
            () => BoundedRangeComposition.OptimalDelta(1, -1, 1), () => BoundedRangeComposition.OptimalDelta(-1, 1, 1), () => BoundedRangeComposition.OptimalDelta(1, 1, -1),
        ];
        Assert.All(wrong, ask => Assert.Throws<ArgumentOutOfRangeException>(ask));
        Assert.Equal(Math.Pow(1 - Math.Exp((0.3 - 1.2) / 2), 2) / (1 - Math.Exp(-1.2)), BoundedRangeComposition.OptimalDelta(1.2, 1, 0.3), 1e-14);
        Assert.Equal((0, 0, 1), (BoundedRangeComposition.OptimalDelta(0, 3, 1), BoundedRangeComposition.OptimalDelta(1, 0, 1), BoundedRangeComposition.OptimalDelta(1e308, 3, 1)));
        Assert.Equal((0, 0.125), (ZeroConcentrated.RhoOf(new ExponentialMechanismEvent(0, Add)), ZeroConcentrated.RhoOf(new ExponentialMechanismEvent(1, Add))));
        Assert.Equal((0, 0.5), (ZeroConcentrated.RhoOf(new PureEvent(new(0), Add)), ZeroConcentrated.RhoOf(new PureEvent(new(1), Add))));
    }

    [Fact]
    public void A_divergence_from_rho_is_the_rounded_up_product()
    {
        PrivacyEvent[] parts = [new ZeroConcentratedEvent(new(0.1), Add), new DiscreteGaussianEvent(3, 0.7, Add), new GaussianEvent(3, Add), new SumOfDiscreteGaussiansEvent(3, 2, 1, 1, Add), new TreeAggregationEvent(3, 5, Add)];
        foreach (var order in Enumerable.Range(1, 40).Select(tenth => 1 + (tenth / 10.0)))
        {
            Assert.All(parts, part => Assert.Equal(Rounded.MultiplyUp(ZeroConcentrated.RhoOf(part), order), Renyi.DivergenceOf(part, new(order))));
        }

        // And a filter's cost of many is no less than that of one, as often.
        var cost = PrivacyFilter.Gaussian(new(1), new(1e-6)).Cost;
        Assert.All(Enumerable.Range(2, 40), count => Assert.Equal(Rounded.MultiplyUp(cost(parts[2]), count), cost(parts[2].Times(count))));
    }

    [Fact]
    public void At_delta_0_there_is_the_pure_epsilon_or_none()
    {
        Assert.Equal(new Bracket(0, 0.7), PrivacyLoss.EpsilonAt(new PureEvent(new(0.7), Add), default));
        Assert.Equal(new Bracket(double.PositiveInfinity, double.PositiveInfinity), PrivacyLoss.EpsilonAt(new GaussianEvent(1, Add), default));
        Assert.Throws<ArgumentOutOfRangeException>(() => PrivacyLoss.DeltaAt(new GaussianEvent(1, Add), double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => PrivacyLoss.DeltaAt(new GaussianEvent(1, Add), double.PositiveInfinity));
        Assert.Throws<ArgumentNullException>(() => PrivacyLoss.DeltaAt(null!, 1));
        Assert.Throws<UnaccountableEventException>(() => PrivacyLoss.EpsilonAt(new SumOfDiscreteGaussiansEvent(3, 1, 1, 1, Add), new(1e-6)));
        Assert.Equal("released", Assert.Throws<ArgumentNullException>(() => ZeroConcentrated.RhoOf(null!)).ParamName);
    }

    // Where no lattice can be fine enough, bounds by moments and by what was given are the upper end, and the lower one is not above them.
    [Fact]
    public void A_bracket_that_is_wide_is_tightened_by_bounds()
    {
        var choices = new ExponentialMechanismEvent(0.01, Replace).Times(100_000);
        var bracket = PrivacyLoss.EpsilonAt(choices, new(1e-6));
        Assert.InRange(bracket.Upper, bracket.Lower, Math.Min(Renyi.EpsilonAt(choices, new(1e-6)), ZeroConcentrated.EpsilonAt(new(ZeroConcentrated.RhoOf(choices)), new(1e-6))));
        Assert.InRange(PrivacyLoss.DeltaAt(choices, bracket.Upper).Upper, 0, RenyiCurve.Of(choices).DeltaAt(bracket.Upper));
        var many = new LaplaceEvent(1e-3, Add).Times(1_000_000_000);
        Assert.Equal(Renyi.EpsilonAt(many, new(1e-6)), PrivacyLoss.EpsilonAt(many, new(1e-6)).Upper);
        Assert.Equal(0, PrivacyLoss.EpsilonAt(many, new(1e-6)).Lower);
        Assert.InRange(PrivacyLoss.Interval(new PureEvent(new(0.2), Replace).Times(6), new(1e-5)), 0.39, 0.41);
        Assert.Equal(4096, PrivacyLoss.Interval(new GaussianEvent(1, Add), new(1e-5)));
        Assert.Equal(0.2, PrivacyLoss.DirectedDelta(new PoissonSampledEvent(0.2, new GaussianEvent(0, Add)), 0.1, remove: true), 1e-14);
        Assert.Equal(1 - (0.8 * Math.Exp(0.1)), PrivacyLoss.DirectedDelta(new PoissonSampledEvent(0.2, new GaussianEvent(0, Add)), 0.1, remove: false), 1e-14);
    }

    // A token of C 3 over 6 voters at temperature 2: 4 C/(s tau) = 1 for a replaced voter, half for one that abstains.
    [Fact]
    public void A_tokens_range_is_that_of_the_design_and_never_below_it()
    {
        foreach (var (relation, exact) in new[] { (Replace, 1.0), (Add, 0.5), (NeighbouringRelation.ReplaceByNothing, 0.5) })
        {
            var range = PureDp.EpsilonOf(new ClippedLogitDecodingEvent(3, 6, 2, relation));
            Assert.InRange(range, exact + ClippedLogitDecodingEvent.SamplingAllowance, exact + ClippedLogitDecodingEvent.SamplingAllowance + 1e-14);
        }
    }

    // Dwork, Roth, Theorem 3.20, and the grid of Kairouz, Oh, Viswanath, Theorem 3.3, by hand.
    [Fact]
    public void Fixed_compositions_are_those_of_the_theorems()
    {
        Assert.Equal((0, 0), (AdvancedComposition.DworkRothblumVadhan(new(0), 5, new(0)), AdvancedComposition.DworkRothblumVadhan(new(1), 0, new(0))));
        Assert.Equal(double.PositiveInfinity, AdvancedComposition.DworkRothblumVadhan(new(1), 1, new(0)));
        Assert.Equal((0.1 * Math.Sqrt(200 * Math.Log(1e6))) + (10 * (Math.Exp(0.1) - 1)), AdvancedComposition.DworkRothblumVadhan(new(0.1), 100, new(1e-6)), 1e-12);

        // Two of ln 2: outcomes 4/9, 4/9, 1/9 against 1/9, 4/9, 4/9. At total 0 the delta is 1/3, at ln 4 none.
        Epsilon each = new(Math.Log(2));
        Assert.Equal(1 / 3.0, AdvancedComposition.OptimalDelta(each, default, 2, 0), 1e-14);
        Assert.Equal(2 / 9.0, AdvancedComposition.OptimalDelta(each, default, 2, Math.Log(2)), 1e-14);
        Assert.Equal(0, AdvancedComposition.OptimalDelta(each, default, 2, Math.Log(4)), 1e-14);
        Assert.Equal(1 - (0.81 * (1 - (2 / 9.0))), AdvancedComposition.OptimalDelta(each, new(0.1), 2, Math.Log(2)), 1e-14);
        Assert.Equal(Math.Log(4), AdvancedComposition.OptimalEpsilonOnGrid(each, default, 2, new(0.3))!.Value, 1e-12);
        Assert.Equal(0, AdvancedComposition.OptimalEpsilonOnGrid(each, default, 2, new(0.34))!.Value);
        Assert.Null(AdvancedComposition.OptimalEpsilonOnGrid(each, new(0.1), 2, new(0.18)));
        Assert.Null(AdvancedComposition.OptimalEpsilon(each, new(0.1), 2, new(0.18)));
        Assert.Equal(Math.Log(2), AdvancedComposition.OptimalEpsilon(each, default, 2, new(2 / 9.0))!.Value, 1e-9);

        // Of three: total ln 2 as one step of ln 2 costs the delta of (k - 2i) = 1; a smaller delta leaves total/3 each.
        var one = AdvancedComposition.OptimalDelta(each, default, 3, Math.Log(2));
        Assert.Equal(Math.Log(2), AdvancedComposition.EpsilonEach(each, new(one * 1.001), default, 3)!.Value, 1e-14);
        Assert.Equal(Math.Log(2) / 3, AdvancedComposition.EpsilonEach(each, new(one * 0.999), default, 3)!.Value, 1e-14);
        Assert.Null(AdvancedComposition.EpsilonEach(each, new(0.1), new(0.1), 3));
    }
}
