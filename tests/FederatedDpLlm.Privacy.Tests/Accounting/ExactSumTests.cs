using CsCheck;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Tests.Accounting.Exact;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.Privacy.Tests.Accounting;

/// <summary>The tight accountant against 480-bit arithmetic, for every kind whose delta is a finite sum or has a closed form.</summary>
public sealed class ExactSumTests
{
    [Fact]
    public void Finite_sums_lie_in_the_bracket_on_2500_plans_of_eleven_kinds() => Sums(2500);

    [Fact, Trait(TestLength.Name, TestLength.Ci)]
    public void Finite_sums_lie_in_the_bracket_on_10000_plans_of_eleven_kinds() => Sums(10_000);

    [Fact]
    public void Gaussian_noise_has_the_closed_form_of_480_bits() =>
        Gen.Select(Gen.Int[5, 4000], Gen.Int[0, 8000], Gen.Int[1, 3]).Sample((milliMu, milliEpsilon, kind) =>
        {
            // Phi(mu/2 - epsilon/mu) - e^epsilon Phi(-mu/2 - epsilon/mu) (Balle, Wang, Theorem 8), with mu the very double that the event holds.
            var sigma = 1000.0 / milliMu;
            const NeighbouringRelation Relation = NeighbouringRelation.AddOrRemoveOne;
            PrivacyEvent released = kind switch
            {
                1 => new GaussianEvent(sigma, Relation).Times(4),
                2 => new TreeAggregationEvent(sigma, 8, Relation),
                _ => new MatrixMechanismEvent(sigma, 1, 4, Relation),
            };
            var mu = 2 * FixedPoint.Over(FixedPoint.One, FixedPoint.Of(sigma));
            var epsilon = FixedPoint.Of(milliEpsilon, 1000);
            System.Numerics.BigInteger half = mu / 2, ratio = FixedPoint.Over(epsilon, mu);

            // Phi(-17) < 1e-60 already, and further out the series takes minutes.
            if (half - ratio < -17 * FixedPoint.One)
            {
                return;
            }

            var exact = FixedPoint.ToDouble(FixedPoint.NormalCdf(half - ratio) - FixedPoint.Times(FixedPoint.Exp(epsilon), FixedPoint.NormalCdf(-half - ratio)));
            if (exact < 1e-60)
            {
                return;
            }

            var bracket = PrivacyLoss.DeltaAt(released, milliEpsilon / 1000.0);
            Assert.True(bracket.Lower <= exact && exact <= bracket.Upper && bracket.Upper <= exact * (1 + 1e-9), $"{exact:R} in {bracket}, mu {milliMu / 500.0}, epsilon {milliEpsilon / 1000.0}");
            var inverse = PrivacyLoss.EpsilonAt(released, new(exact));
            Assert.True(inverse.Upper >= (milliEpsilon / 1000.0) - 1e-12 && inverse.Lower <= (milliEpsilon / 1000.0) + 1e-12 + (milliEpsilon * 1e-12), $"{inverse}");
        }, iter: 1000);

    [Fact]
    public void Bounded_ranges_lie_between_a_two_outcome_mechanism_and_the_optimal_bound() =>
        Gen.Select(Gen.Int[10, 500], Gen.Int[2, 40], Gen.Double[0.05, 0.9]).Sample((milliEta, count, position) =>
        {
            // Releases fixed beforehand have an exact worst case (Dong, Durfee, Rogers); no mechanism may be below it, and the lower end must not be above it.
            var epsilon = milliEta / 1000.0 * count * position;
            var exact = BoundedRangeComposition.OptimalDelta(milliEta / 1000.0, count, epsilon);
            var bracket = PrivacyLoss.DeltaAt(new ExponentialMechanismEvent(milliEta / 1000.0, NeighbouringRelation.ReplaceOne).Times(count), epsilon);
            Assert.True(bracket.Lower <= exact * (1 + 1e-9) && bracket.Upper >= exact * (1 - 1e-9), $"{exact} in {bracket}");
        }, iter: 300);

    private static double Largest(PrivacyEvent single) => single switch
    {
        ApproximateEvent given => given.Epsilon.Value,
        PoissonSampledEvent { Part: ApproximateEvent given } sampled => Math.Log(1 + (sampled.SamplingRate * (Math.Exp(given.Epsilon.Value) - 1))),
        _ => PureDp.EpsilonOf(single),
    };

    private static void Sums(int plans) =>
        Gen.Select(FinitePlans.Any, Gen.Int[2, 14], Gen.Int[1, 380]).Sample((plan, count, position) =>
        {
            // Up to 95 % of the largest finite loss.
            var most = count * Largest(plan.Event);
            var thousandths = (int)(Math.Min(most, 20) * position * 2.5) + 1;
            var exact = FixedPoint.ToDouble(plan.Delta(count, FixedPoint.Exp(FixedPoint.Of(thousandths, 1000))));
            var released = plan.Event.Times(count);
            var bracket = PrivacyLoss.DeltaAt(released, thousandths / 1000.0);
            Assert.True(bracket.Lower <= (exact * (1 + 1e-12)) && bracket.Upper >= exact * (1 - 1e-12), $"{exact:R} in {bracket}: {released}, epsilon {thousandths / 1000.0}");

            // Beyond the largest finite loss delta is the lost mass to the last digit, and no epsilon belongs to it.
            if (exact is > 1e-12 and < 0.5 && thousandths / 1000.0 < most)
            {
                var epsilon = PrivacyLoss.EpsilonAt(released, new(exact));
                var truth = thousandths / 1000.0;
                Assert.True(epsilon.Lower <= truth + 1e-9 && epsilon.Upper >= truth - 1e-12, $"{truth} in {epsilon}: {released}, delta {exact}");
                Assert.True(epsilon.Upper <= (truth * 1.01) + 1e-4, $"{epsilon.Upper} for {truth}: {released}, delta {exact}");
            }
        }, iter: plans);
}
