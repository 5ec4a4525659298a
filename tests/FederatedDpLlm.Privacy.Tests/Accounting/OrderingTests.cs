using CsCheck;
using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Tests.Accounting;

/// <summary>Tighter theorems give smaller numbers: privacy loss at most Renyi, Renyi at most zCDP, and all at most what knows only epsilon and delta.</summary>
public sealed class OrderingTests
{
    private const NeighbouringRelation Add = NeighbouringRelation.AddOrRemoveOne;

    [Fact]
    public void Loss_distributions_are_at_most_Renyi_and_Renyi_at_most_its_linear_bound() =>
        Gen.Select(Gen.Double[0.5, 8], Gen.Int[2, 500], Gen.Double[-9, -3], Gen.Int[0, 5]).Sample((noise, count, logDelta, kind) =>
        {
            Delta delta = new(Math.Pow(10, logDelta));
            PrivacyEvent one = kind switch
            {
                0 => new GaussianEvent(noise, Add),
                1 => new LaplaceEvent(2 * noise, Add),
                2 => new DiscreteLaplaceEvent(2 * noise, 1, Add),
                3 => new PureEvent(new(0.3 / noise), Add),
                4 => new ExponentialMechanismEvent(0.3 / noise, Add),
                _ => new TreeAggregationEvent(4 * noise, 50, Add),
            };
            var released = one.Times(count);
            var (tight, renyi) = (PrivacyLoss.EpsilonAt(released, delta).Upper, Renyi.EpsilonAt(released, delta));
            Assert.True(tight <= (renyi * (1 + 1e-9)) + 1e-4, $"loss distribution {tight}, Renyi {renyi}: {released}");

            // Renyi reads the best of many orders, zCDP the best of all: within the 1 % that the orders leave.
            var concentrated = ZeroConcentrated.EpsilonAt(new(ZeroConcentrated.RhoOf(released)), delta);
            Assert.True(renyi <= (concentrated * 1.01) + 1e-3, $"Renyi {renyi}, zCDP {concentrated}: {released}");
        }, iter: 200);

    [Fact]
    public void Pure_releases_are_ordered_from_loss_distributions_to_advanced_and_basic_composition() =>
        Gen.Select(Gen.Int[5, 400], Gen.Int[2, 200], Gen.Double[-9, -3]).Sample((milliEpsilon, count, logDelta) =>
        {
            Epsilon each = new(milliEpsilon / 1000.0);
            Delta delta = new(Math.Pow(10, logDelta));
            var released = new PureEvent(each, Add).Times(count);
            var tight = PrivacyLoss.EpsilonAt(released, delta).Upper;
            var optimal = AdvancedComposition.OptimalEpsilon(each, default, count, delta)!.Value;
            var advanced = AdvancedComposition.DworkRothblumVadhan(each, count, delta);
            var filter = Currency.Advanced(delta);
            Assert.Equal(optimal, tight, 1e-6 * optimal);

            // Near the pure end both are the truth but for rounding, of which the loss distribution carries 1e-9.
            Assert.True(tight <= Renyi.EpsilonAt(released, delta) * (1 + 1e-8));
            Assert.True(optimal <= advanced * (1 + 1e-9));
            Assert.True(tight <= filter.EpsilonOf(filter.CostOf(released)) * (1 + 1e-9), "The filter holds for adaptively chosen epsilons: it cannot be below.");
            Assert.True(tight <= count * each.Value * (1 + 1e-9));
        }, iter: 200);

    [Fact]
    public void More_noise_or_more_delta_costs_less_and_more_steps_or_a_higher_rate_cost_more() =>
        Gen.Select(Gen.Double[-3, -1], Gen.Double[0.7, 4], Gen.Int[2, 300]).Sample((logRate, sigma, count) =>
        {
            double Cost(double rate, double noise, long steps, double delta) =>
                PrivacyLoss.EpsilonAt(new PoissonSampledEvent(rate, new GaussianEvent(noise, Add)).Times(steps), new(delta), 1e-3).Upper;
            var rate = Math.Pow(10, logRate);
            var cost = Cost(rate, sigma, count, 1e-6);
            Assert.True(Cost(rate, sigma * 1.2, count, 1e-6) < cost);
            Assert.True(Cost(rate, sigma, count, 1e-5) < cost);
            Assert.True(Cost(rate, sigma, count * 2, 1e-6) > cost);
            Assert.True(Cost(rate * 1.2, sigma, count, 1e-6) > cost);
        }, iter: 25);

    // Papernot, Steinke, arXiv:2110.03620, Theorem 2, by hand: a geometric number of repetitions (shape 1) of mean 10 has gamma 1/10.
    [Fact]
    public void The_best_of_many_Gaussian_releases_costs_what_the_theorem_says()
    {
        var once = new GaussianEvent(5, Add);
        var selected = new RepeatAndSelectEvent(once, 10, 1);
        foreach (var order in new[] { 2.0, 5, 20 })
        {
            var best = RenyiCurve.DefaultOrders.Min(beta => 2 * (((1 - (1 / beta)) * (beta / 50)) + (Math.Log(10) / beta)));
            Assert.Equal((order / 50) + best + (Math.Log(10) / (order - 1)), Renyi.DivergenceOf(selected, new(order)), 1e-6);
        }

        Assert.Equal(Renyi.DivergenceOf(once, new(4)), Renyi.DivergenceOf(new RepeatAndSelectEvent(once, 1, 1), new(4)), 1e-6);
        Assert.True(Renyi.EpsilonAt(selected, new(1e-6)) > Renyi.EpsilonAt(once, new(1e-6)));
    }

    [Fact]
    public void An_odometer_reads_at_least_what_a_filter_that_stopped_there_reads_and_not_much_more() =>
        Gen.Select(Gen.Double[0.01, 0.5], Gen.Int[1, 400]).Sample((epsilon, count) =>
        {
            Delta delta = new(1e-6);
            var odometer = new PrivacyOdometer(delta);
            Assert.Equal(0, odometer.Epsilon);
            for (var i = 0; i < count; i++)
            {
                odometer.Charge(new PureEvent(new(epsilon), Add));
            }

            var filter = Currency.Advanced(delta).EpsilonOf(count * epsilon * epsilon);
            Assert.InRange(odometer.Epsilon, filter, (filter * 2) + 0.1);
        }, iter: 200);

    [Fact]
    public void An_odometer_refuses_what_it_cannot_cost_and_says_infinity_where_nothing_protects()
    {
        var odometer = new PrivacyOdometer(new(1e-6));
        odometer.Charge(new PureEvent(new(0.1), Add));
        var before = odometer.Epsilon;
        Assert.Throws<UnaccountableEventException>(() => odometer.Charge(new ApproximateEvent(new(0.1), new(1e-9), Add)));
        Assert.Equal(before, odometer.Epsilon);
        odometer.Charge(new NonPrivateEvent(Add));
        Assert.Equal(double.PositiveInfinity, odometer.Epsilon);
        Assert.Throws<ArgumentOutOfRangeException>(() => new PrivacyOdometer(new(0)));
    }
}
