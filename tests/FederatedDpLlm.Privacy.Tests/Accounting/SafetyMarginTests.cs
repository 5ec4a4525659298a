using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Tests.Accounting;

/// <summary>
/// What needs a logarithm is moved to the safe side by a number of units of 2^-50 that covers the rounding of the plain formula, and by no more: the plain formula is within half a unit.
/// </summary>
public sealed class SafetyMarginTests
{
    private const NeighbouringRelation Add = NeighbouringRelation.AddOrRemoveOne;
    private const NeighbouringRelation Replace = NeighbouringRelation.ReplaceOne;
    private const NeighbouringRelation Nothing = NeighbouringRelation.ReplaceByNothing;
    private const double Unit = 1.0 / (1L << 50);
    private static readonly double[] Deltas = [1e-12, 1e-6, 0.03];

    // Where the budget, 8 units down, would still be read as more than was promised, it goes 64 further.
    [Fact]
    public void Sums_of_squares_are_read_4_units_up_and_budgeted_8_down() => Assert.All(Deltas, delta =>
    {
        var (currency, log) = (Currency.Advanced(new(delta)), -2 * Math.Log(delta));
        foreach (var amount in new[] { 1e-9, 0.3, 5, 700 })
        {
            IsOff(4, Math.Sqrt(log * amount) + (amount / 2), currency.EpsilonOf(amount));
            var (budget, plain) = (currency.BudgetFor(new(amount)), Math.Pow(2 * amount / (Math.Sqrt(log + (2 * amount)) + Math.Sqrt(log)), 2));
            IsOff(budget < plain * (1 - (40 * Unit)) ? -72 : -8, plain, budget, 1.2);
            Assert.InRange(currency.EpsilonOf(budget), amount * (1 - (80 * Unit)), amount);
            Assert.True(amount < 500 || budget > plain * (1 - (40 * Unit)));
        }
    });

    [Fact]
    public void Conversions_are_2_units_of_all_their_terms_up() => Assert.All(Deltas, delta =>
    {
        // Powers of 2, so that 1 + 1/a has no rounding of its own.
        foreach (var (divergence, a) in new[] { (0.01, 16.0), (1.5, 4), (1e-6, 2048), (40, 0.25) })
        {
            var (log, loss) = ((-Math.Log(delta) - Math.Log(1 + a)) / a, Math.Log(1 + (1 / a)));
            var terms = ((-Math.Log(delta) + Math.Log(1 + a)) / a) + loss + divergence;
            Assert.InRange((ConversionCurve.EpsilonOfRenyi(divergence, a, delta) - (divergence + log - loss)) / (terms * Unit), 1.4, 2.6);
            Assert.InRange((ConversionCurve.RenyiFor(divergence, a, delta) - (divergence - log + loss)) / (terms * Unit), -2.6, -1.4);
        }
    });

    [Fact]
    public void A_delta_of_a_curve_is_8_units_of_its_exponents_up()
    {
        foreach (var (noise, order, epsilon) in new[] { (2.0, 8.0, 3.0), (0.7, 2.5, 6), (5, 64, 2) })
        {
            double a = order - 1, divergence = order / (2 * noise * noise), first = a * (divergence - epsilon), second = (a * Math.Log(1 + (1 / a))) + Math.Log(order);
            var computed = RenyiCurve.Of(new GaussianEvent(noise, Add), [order]).DeltaAt(epsilon);
            var terms = Math.Abs(first) + second + (a * (divergence + epsilon));
            Assert.InRange(((computed / Math.Exp(first - second)) - 1) / (terms * Unit), 6.9, 9.9);
        }
    }

    [Fact]
    public void Pure_epsilons_of_responses_and_samples_are_4_units_up()
    {
        foreach (var noise in new[] { 0.02, 0.5, 0.9 })
        {
            IsOff(4, Math.Log(1 + ((1 - noise) * 5 / noise)), PureDp.EpsilonOf(new RandomizedResponseEvent(noise, 5, Replace)));
            IsOff(4, Math.Max(Math.Log(noise + ((1 - noise) * 5)), -Math.Log(noise)), PureDp.EpsilonOf(new RandomizedResponseEvent(noise, 5, Nothing)));
            IsOff(4, Math.Log(1 + (noise * (Math.Exp(1.5) - 1))), PureDp.EpsilonOf(new PoissonSampledEvent(noise, new PureEvent(new(1.5), Add))), 1.2);
            IsOff(4, Math.Log(1 + (noise * (Math.Exp(1.5) - 1))), PureDp.EpsilonOf(new SampledWithoutReplacementEvent(100, (long)(100 * noise), new PureEvent(new(1.5), Replace))), 1.2);
        }

        // Nothing is gained beyond 30, and sampling never adds.
        Assert.Equal(31, PureDp.EpsilonOf(new PoissonSampledEvent(0.5, new PureEvent(new(31), Add))));
        Assert.True(PureDp.EpsilonOf(new PoissonSampledEvent(0.5, new PureEvent(new(30), Add))) < 29.4);
        Assert.Equal(1.5, PureDp.EpsilonOf(new PoissonSampledEvent(0.9999999999999999, new PureEvent(new(1.5), Add))));
    }

    [Fact]
    public void Divergences_of_order_1_are_8_units_up()
    {
        IsOff(8, 0.9 * Math.Tanh(0.45), PureRenyi.Divergence(0.9, 1));
        var ratio = 0.9 / (Math.Exp(0.9) - 1);
        Assert.InRange((BoundedRangeRenyi.Divergence(0.9, 1) - (ratio - 1 - Math.Log(ratio))) / (1.9 * Unit), 7, 9);
    }

    [Fact]
    public void Divergences_of_other_orders_are_16_units_of_their_logarithms_up()
    {
        foreach (var (epsilon, order) in new[] { (0.9, 2.0), (3, 1.25), (2, 17) })
        {
            double a = order - 1, margin = 16 * Unit * (1 + epsilon) * (1 + (1 / a));
            var pure = Math.Log((Math.Exp(a * epsilon) + Math.Exp(-order * epsilon)) / (1 + Math.Exp(-epsilon))) / a;
            Assert.InRange((PureRenyi.Divergence(epsilon, order) - pure) / margin, 0.95, 1.05);
            double less = (Math.Exp(epsilon) - 1) / (Math.Exp(order * epsilon) - 1), shift = epsilon - Math.Log(order / a * (1 - less)), spread = Math.Log((Math.Exp(-order * epsilon) - 1) / (Math.Exp(-epsilon) - 1) / order) / a;
            Assert.InRange((BoundedRangeRenyi.Divergence(epsilon, order) - (shift + spread)) / margin, 0.95, 1.05);
        }

        // Beyond e^700 there is the bound by epsilon alone.
        Assert.InRange(BoundedRangeRenyi.Divergence(7, 100), 6, 6.99);
        Assert.Equal(7, BoundedRangeRenyi.Divergence(7, 100.5));
        Assert.Equal((0, 0.5), (BoundedRangeRenyi.Divergence(0, 3), BoundedRangeRenyi.Divergence(0.5, double.PositiveInfinity)));
        Assert.Equal(BoundedRangeRenyi.Divergence(0.5, 1) + (3 * 0.25 / 8), BoundedRangeRenyi.LinearBound(0.5, 4), 1e-15);
        Assert.Equal((0, 0.5), (BoundedRangeRenyi.LinearBound(0, 4), BoundedRangeRenyi.LinearBound(0.5, 1000)));
    }

    [Fact]
    public void Tau_is_8_units_of_its_exponent_and_one_of_each_term_up()
    {
        foreach (var (summands, sigma) in new[] { (2, 0.6), (5, 0.9), (300, 0.5), (3, 4) })
        {
            var exponent = 2 * Math.PI * Math.PI * sigma * sigma;
            var plain = 10 * Enumerable.Range(1, summands - 1).Sum(k => Math.Exp(-exponent * k / (k + 1)));
            var units = (8 * (1 + exponent)) + summands;
            Assert.InRange(((SumOfDiscreteGaussians.Tau(summands, sigma) / plain) - 1) / (units * Unit), 0.93, 1.07);
        }
    }

    [Fact]
    public void Nothing_at_a_delta_is_2_units_above_the_logarithm_of_what_is_left()
    {
        foreach (var delta in new[] { 1e-12, 1e-6, 0.01 })
        {
            var log = -delta * (1 + (delta / 2) + (delta * delta / 3) + Math.Pow(delta, 3) / 4 + Math.Pow(delta, 4) / 5 + Math.Pow(delta, 5) / 6 + Math.Pow(delta, 6) / 7 + Math.Pow(delta, 7) / 8 + Math.Pow(delta, 8) / 9);
            IsOff(2, log, ZeroConcentrated.UnclampedEpsilonAt(new(0), new(delta)));
        }
    }

    // A filter of Gaussian noise holds a little less than mu^2, and takes a little more for each release.
    [Fact]
    public void Gaussian_filters_round_against_whoever_asks()
    {
        var mu = GaussianProfile.MuFor(new(20), new(1e-3));
        var filter = PrivacyFilter.Gaussian(new(20), new(1e-3));
        Assert.False(filter.TryAdmit(mu * mu));
        Assert.True(filter.TryAdmit(mu * mu * (1 - 3e-15)));
        Assert.InRange((PrivacyFilter.Gaussian(new(1), new(1e-3)).Cost(new GaussianEvent(3, Add)) * 9) - 1, 9e-15, 1.1e-14);
    }

    [Fact]
    public void Large_filters_hold_8191_and_no_more()
    {
        var filter = PrivacyFilter.Pure(new(1e5));
        Assert.False(filter.TryAdmit(8191.0001));
        Assert.True(filter.TryAdmit(8190));
        Assert.True(filter.TryAdmit(1));
        Assert.True(filter.TryAdmit(0));
        Assert.False(filter.TryAdmit(1e-15));
        Assert.Equal(8191, filter.EpsilonSpent);
        Assert.True(PrivacyFilter.Pure(new(1e5)).TryAdmit(8191));
    }

    // How many units above the plain formula; half a unit either way is the plain formula's own.
    private static void IsOff(double units, double plain, double computed, double tolerance = 0.6) =>
        Assert.InRange((computed - plain) / (Math.Abs(plain) * Unit), units - tolerance, units + tolerance);
}
