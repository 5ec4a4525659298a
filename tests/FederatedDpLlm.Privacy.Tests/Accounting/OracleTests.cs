using System.Numerics;
using CsCheck;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Numerics;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Accounting;

/// <summary>Accountants against arithmetic that has no rounding worth the name: exact integers and fixed point of 256 bits.</summary>
public sealed class OracleTests
{
    private const NeighbouringRelation Replace = NeighbouringRelation.ReplaceOne;

    // k-fold randomized response has the finite profile sum C(k,l) max(0, e^((k-l)e) - e^(E + l e))/(1+e^e)^k (Kairouz, Oh, Viswanath): all terms from exact binomials.
    [Fact]
    public void Optimal_composition_agrees_with_256_bit_arithmetic_on_10000_plans() =>
        Gen.Select(Gen.Int[1, 400], Gen.Int[1, 60], Gen.Int[0, 399]).Sample((milliEpsilon, count, position) =>
        {
            var total = milliEpsilon * count * position / 400;
            var exact = ExactDelta(milliEpsilon, count, total);
            var computed = AdvancedComposition.OptimalDelta(new(milliEpsilon / 1000.0), default, count, total / 1000.0);
            Assert.Equal(exact, computed, (exact * 1e-10) + 1e-300);
        }, iter: 10_000);

    [Fact]
    public void The_privacy_loss_bracket_of_repeated_pure_events_holds_the_exact_value() =>
        Gen.Select(Gen.Int[5, 300], Gen.Int[2, 40], Gen.Int[20, 300]).Sample((milliEpsilon, count, position) =>
        {
            var total = milliEpsilon * count * position / 400;
            var exact = ExactDelta(milliEpsilon, count, total);
            var released = new PureEvent(new(milliEpsilon / 1000.0), Replace).Times(count);
            var delta = PrivacyLoss.DeltaAt(released, total / 1000.0);
            Assert.InRange(exact, delta.Lower, (delta.Upper * (1 + 1e-9)) + 1e-300);
            if (exact is > 1e-12 and < 0.5)
            {
                var epsilon = PrivacyLoss.EpsilonAt(released, new(exact));
                Assert.InRange(total / 1000.0, epsilon.Lower, epsilon.Upper + 1e-12);
                Assert.True(epsilon.Upper <= (total / 1000.0 * 1.01) + 1e-4, $"{epsilon.Upper} for {total / 1000.0}");
            }
        }, iter: 150);

    [Fact]
    public void Gaussian_releases_give_the_closed_form_however_they_are_grouped() =>
        Gen.Select(Gen.Double[0.3, 30], Gen.Int[1, 1000], Gen.Double[-12, -1]).Sample((sigma, count, logDelta) =>
        {
            Delta delta = new(Math.Pow(10, logDelta));
            var once = new GaussianEvent(sigma, Replace);
            var expected = GaussianProfile.EpsilonAt(Math.Sqrt(count) / sigma, delta);
            var composed = new ComposedEvent(Replace, once.Times(count / 2), once.Times(count - (count / 2)));
            Assert.Equal(expected, PrivacyLoss.EpsilonAt(composed, delta).Upper, 1e-9 * expected);
            Assert.True(ZeroConcentrated.EpsilonAt(new(ZeroConcentrated.RhoOf(composed)), delta) >= expected * (1 - 1e-12));
            Assert.True(Renyi.EpsilonAt(composed, delta) >= expected * (1 - 1e-12));
            Assert.InRange(GaussianProfile.DeltaAt(Math.Sqrt(count) / sigma, expected), 0, delta.Value * (1 + 1e-11));
        }, iter: 2000);

    // delta = sum C(k,l) e^(-l e) (1 - e^(E - (k-2l) e)) / (1 + e^-e)^k in units of 2^-256, with e = milliEpsilon/1000.
    private static double ExactDelta(int milliEpsilon, int count, int milliTotal)
    {
        const int Bits = 320;
        BigInteger one = BigInteger.One << Bits, sum = 0, choose = 1;
        for (var l = 0; l <= count; l++)
        {
            var loss = (count - (2 * l)) * milliEpsilon;
            if (loss <= milliTotal)
            {
                break;
            }

            sum += (choose * Exp(l * milliEpsilon) * (one - Exp(loss - milliTotal))) >> Bits;
            choose = choose * (count - l) / (l + 1);
        }

        var normal = one;
        for (var i = 0; i < count; i++)
        {
            normal = (normal * (one + Exp(milliEpsilon))) >> Bits;
        }

        return (double)((sum << 1000) / normal) / Math.Pow(2, 1000);

        BigInteger Exp(int milli) => ExactBernoulli.ExpMinusFloor(milli, 1000, Bits);
    }
}
