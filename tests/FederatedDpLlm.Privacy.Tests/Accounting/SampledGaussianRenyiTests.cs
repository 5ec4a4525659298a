using CsCheck;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Tests.Accounting.Exact;

namespace FederatedDpLlm.Privacy.Tests.Accounting;

/// <summary>The Renyi divergence of the Poisson-sampled Gaussian at fractional orders, where a reference library over-estimates.</summary>
public sealed class SampledGaussianRenyiTests
{
    private const NeighbouringRelation Add = NeighbouringRelation.AddOrRemoveOne;

    // Rate 0.01, noise multiplier 2.5, order 1.5, 50 releases: a published vector says 6.7058e-4 (a reference library's series without the signs of its binomials, as that vector file itself records).
    [Fact]
    public void At_order_one_and_a_half_the_exact_value_is_3_per_cent_below_the_published_over_estimate()
    {
        var (lower, upper) = FractionalMoment.Excess(10, 400, 3, 12);
        double exact = 50 * LogOnePlus(lower) / 0.5, computed = Renyi.DivergenceOf(new PoissonSampledEvent(0.01, new GaussianEvent(2.5, Add)).Times(50), new(1.5));
        Assert.True(upper <= lower * (1 + 1e-12), "The evidence is rigorous to 12 digits.");
        Assert.Equal(0.000650070897188, exact, 1e-13);
        Assert.InRange(computed, exact * (1 - 1e-10), exact * (1 + 1e-10));
        Assert.InRange(0.000670579740668356 / exact, 1.031, 1.032);
    }

    [Fact]
    public void Fractional_orders_lie_in_a_rigorous_bracket_and_never_below_it() =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[100, 700], Gen.Int[3, 11]).Sample((rate, mu, twiceAlpha) =>
        {
            var (lower, upper) = FractionalMoment.Excess(rate, mu, twiceAlpha, 14);
            var alpha = twiceAlpha / 2.0;
            var computed = Renyi.DivergenceOf(new PoissonSampledEvent(rate / 1000.0, new GaussianEvent(1000.0 / mu, Add)), new(alpha));
            double least = LogOnePlus(lower) / (alpha - 1), most = LogOnePlus(upper) / (alpha - 1);
            Assert.InRange(computed, least * (1 - 1e-9), most * (1 + 1e-9));
        }, iter: 300);

    [Fact]
    public void Whole_orders_are_the_exact_binomial_sum() =>
        Gen.Select(Gen.Int[1, 999], Gen.Int[100, 2000], Gen.Int[2, 32]).Sample((rate, mu, order) =>
        {
            System.Numerics.BigInteger q = FixedPoint.Of(rate, 1000), rest = FixedPoint.One - q, sum = 0, choose = 1;
            for (var k = 0; k <= order; k++)
            {
                var growth = FixedPoint.Exp(FixedPoint.Of((System.Numerics.BigInteger)k * (k - 1) * mu * mu, 2_000_000));
                sum += choose * FixedPoint.Times(FixedPoint.Times(FixedPoint.Power(q, k), FixedPoint.Power(rest, order - k)), growth);
                choose = choose * (order - k) / (k + 1);
            }

            var exact = (System.Numerics.BigInteger.Log(sum) - (FixedPoint.Bits * Math.Log(2))) / (order - 1);
            var computed = Renyi.DivergenceOf(new PoissonSampledEvent(rate / 1000.0, new GaussianEvent(1000.0 / mu, Add)), new(order));
            Assert.InRange(computed, (exact * (1 - 1e-10)) - 1e-13, (exact * (1 + 1e-9)) + 1e-13);
        }, iter: 300);

    // By its series where 1 + x would lose digits.
    private static double LogOnePlus(double x) => x > 1e-3 ? Math.Log(1 + x) : x * (1 - (x * ((1 / 2.0) - (x * ((1 / 3.0) - (x * ((1 / 4.0) - (x / 5))))))));
}
