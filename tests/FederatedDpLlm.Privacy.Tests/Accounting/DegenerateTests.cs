using System.Runtime.CompilerServices;
using CsCheck;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Calibration;

namespace FederatedDpLlm.Privacy.Tests.Accounting;

/// <summary>Nothing that can be said is answered by an exception or by something that is no number: only a refusal by name.</summary>
public sealed class DegenerateTests
{
    private const NeighbouringRelation Add = NeighbouringRelation.AddOrRemoveOne;
    private const NeighbouringRelation Replace = NeighbouringRelation.ReplaceOne;

    private static readonly double[] Amounts = [0, double.Epsilon, 1e-310, 1e-200, 1e-16, 1e-8, 1e-3, 0.3, 1, 7, 1e3, 1e8, 1e16, 1e200, 1e307];
    private static readonly double[] Probabilities = [0, double.Epsilon, 1e-300, 1e-16, 1e-6, 0.01, 0.5, 0.999, 0.9999999999999999, 1];
    private static readonly long[] Counts = [0, 1, 2, 3, 1000, 1_000_000_000, long.MaxValue];

    private static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(index => values[index]);

    private static Gen<double> Amount { get; } = OneOf(Amounts);

    private static Gen<double> Probability { get; } = OneOf(Probabilities);

    private static Gen<long> Count { get; } = OneOf(Counts);

    private static Gen<Delta> AnyDelta { get; } = OneOf(0, double.Epsilon, 1e-300, 1e-16, 1e-6, 0.5, 0.9999999999999999).Select(value => new Delta(value));

    private static Gen<PrivacyEvent> Single(NeighbouringRelation relation) => Gen.OneOf(
        Amount.Select(PrivacyEvent (sigma) => new GaussianEvent(sigma, relation)),
        Amount.Select(PrivacyEvent (scale) => new LaplaceEvent(scale, relation)),
        Gen.Select(Amount, Amount).Select(PrivacyEvent (t) => new DiscreteGaussianEvent(t.Item1, t.Item2, relation)),
        Gen.Select(Amount, Count).Select(PrivacyEvent (t) => new DiscreteLaplaceEvent(t.Item1, t.Item2, relation)),
        Amount.Select(PrivacyEvent (eta) => new ExponentialMechanismEvent(eta, relation)),
        Amount.Select(PrivacyEvent (epsilon) => new PermuteAndFlipEvent(new(epsilon), relation)),
        Gen.Select(Amount, OneOf(Amounts[1..])).Select(PrivacyEvent (t) => new ClippedLogitDecodingEvent(t.Item1, 3, t.Item2, relation)),
        Gen.Select(Probability, Gen.Int[2, 1000]).Select(PrivacyEvent (t) => new RandomizedResponseEvent(t.Item1, t.Item2, Replace)),
        Gen.Select(Amount, Amount).Select(PrivacyEvent (t) => new AboveThresholdEvent(new(t.Item1), new(t.Item2), 1, relation)),
        Gen.Select(Amount, Count).Select(PrivacyEvent (t) => new TreeAggregationEvent(t.Item1, t.Item2, relation)),
        Gen.Select(Amount, Amount, Count).Select(PrivacyEvent (t) => new MatrixMechanismEvent(t.Item1, t.Item2, t.Item3, relation)),
        Gen.Select(Amount, Amount).Select(PrivacyEvent (t) => new SumOfDiscreteGaussiansEvent(5, t.Item1, t.Item2, 100, relation)),
        Amount.Select(PrivacyEvent (rho) => new ZeroConcentratedEvent(new(rho), relation)),
        Amount.Select(PrivacyEvent (epsilon) => new PureEvent(new(epsilon), relation)),
        Gen.Select(Amount, AnyDelta).Select(PrivacyEvent (t) => new ApproximateEvent(new(t.Item1), t.Item2, relation)),
        Gen.Select(Amount, Amount, Probability).Select(PrivacyEvent (t) => new MixtureOfGaussiansEvent(t.Item1, [0, t.Item2], [1 - t.Item3, t.Item3], Add)),
        Gen.Select(Amount, OneOf(1.0, 10.0, 1e6)).Select(PrivacyEvent (t) => new RepeatAndSelectEvent(new GaussianEvent(t.Item1, relation), t.Item2, 0)),
        Gen.Const<PrivacyEvent>(new ZeroEvent("public-model", relation)),
        Gen.Const<PrivacyEvent>(new NonPrivateEvent(relation)));

    private static Gen<PrivacyEvent> Any { get; } = Gen.Select(Gen.OneOf(Single(Add), Single(Replace)), Probability, Count, Gen.Int[0, 4]).Select((one, rate, count, shape) => shape switch
    {
        0 => one,
        1 => new PoissonSampledEvent(rate, one).Times(count),
        2 when one.Relation == Replace => new SampledWithoutReplacementEvent(1000, (long)(1000 * rate), one).Times(count),
        3 => new ComposedEvent(one.Relation, one.Times(count), new PureEvent(new(0.1), one.Relation).Times(2)),
        _ => one.Times(count),
    });

    [Fact]
    public void Every_accountant_answers_every_event_with_a_number_or_refuses_it_by_name() => Gen.Select(Any, AnyDelta, OneOf(1.0, 1.01, 1.5, 2, 64, 1e5, double.PositiveInfinity)).Sample((released, delta, order) =>
    {
        Answers(() => PureDp.EpsilonOf(released));
        Answers(() => ZeroConcentrated.RhoOf(released));
        Answers(() => Renyi.DivergenceOf(released, new(order)));
        Answers(() => PrivacyFilter.Gaussian(new(1), new(1e-6)).Cost(released));
        Array.ForEach([Currency.Basic(delta), Currency.Advanced(delta), Currency.ZeroConcentrated(delta)], currency => Answers(() => currency.CostOf(released)));
    }, iter: 3000);

    // More releases than moments have digits: nothing is known from a lattice, and that is not to be mistaken for nothing lost.
    [Fact]
    public void More_releases_than_doubles_tell_apart_do_not_come_free()
    {
        PrivacyEvent[] parts = [new PermuteAndFlipEvent(new(7), Add), new RandomizedResponseEvent(0.01, 82, Replace), new PureEvent(new(0.3), Add), new LaplaceEvent(1, Add)];
        Assert.All(parts, part =>
        {
            Assert.True(PrivacyLoss.EpsilonAt(part.Times(long.MaxValue), new(0.5)).Upper > 1e17);
            Assert.True(PrivacyLoss.EpsilonAt(part.Times(1_000_000_000_000_000), new(1e-6)).Upper > 1e13);
            Assert.Equal(1, PrivacyLoss.DeltaAt(part.Times(long.MaxValue), 1).Upper);
        });
    }

    [Fact]
    public void Every_epsilon_and_delta_is_a_number_and_a_bracket_is_in_order() => Gen.Select(Any, AnyDelta, OneOf(-1e3, -1, 0, 1e-9, 1, 50, 1e6)).Sample((released, delta, epsilon) =>
    {
        Answers(() => Renyi.EpsilonAt(released, delta));
        Answers(() => Ordered(PrivacyLoss.EpsilonAt(released, delta)));
        Answers(() => Ordered(PrivacyLoss.DeltaAt(released, epsilon)));
    }, iter: 150);

    [Fact]
    public void Where_nothing_is_released_nothing_is_lost_and_where_nothing_protects_everything()
    {
        foreach (var bare in new PrivacyEvent[] { new GaussianEvent(0, Add), new LaplaceEvent(0, Add), new DiscreteGaussianEvent(0, 1, Add), new DiscreteLaplaceEvent(0, 1, Add), new NonPrivateEvent(Add) })
        {
            Assert.All<PrivacyEvent>([bare.Times(0), new PoissonSampledEvent(0, bare).Times(1_000_000_000)], nothing =>
            {
                Assert.Equal((0, 0, 0), (PureDp.EpsilonOf(nothing), ZeroConcentrated.RhoOf(nothing), Renyi.EpsilonAt(nothing, new(0))));
                Assert.Equal(0, PrivacyLoss.EpsilonAt(nothing, new(1e-300)).Upper);
            });
            Assert.All<PrivacyEvent>([bare, bare.Times(3), new PoissonSampledEvent(1, bare)], everything =>
            {
                Assert.Equal(double.PositiveInfinity, PrivacyLoss.EpsilonAt(everything, new(0.5)).Upper);
                Assert.Equal(double.PositiveInfinity, Renyi.EpsilonAt(everything, new(0.5)));
                Assert.Equal(double.PositiveInfinity, ZeroConcentrated.RhoOf(everything));
                Assert.InRange(PrivacyLoss.DeltaAt(everything, 100).Lower, 0.999999, 1);
            });

            // Seen with a chance of 1/100: that much is lost for certain, and no more.
            var rarely = PrivacyLoss.DeltaAt(new PoissonSampledEvent(0.01, bare), 1);
            Assert.InRange(0.01, rarely.Lower, rarely.Upper * (1 + 1e-9));
        }
    }

    [Fact]
    public void Every_closed_form_answers_with_a_number() => Gen.Select(Amount, Amount, AnyDelta, OneOf(0, 1, 2, 7, 60)).Sample((amount, other, delta, count) =>
    {
        Answers(() => GaussianProfile.DeltaAt(amount, other));
        Answers(() => GaussianProfile.DeltaAt(amount, -other));
        Answers(() => GaussianProfile.EpsilonAt(amount, delta));
        Answers(() => GaussianProfile.MuFor(new(amount), delta));
        Answers(() => HypothesisTesting.GaussianTruePositiveRate(amount, delta.Value));
        Answers(() => NoiseCalibration.GaussianSigma(new(amount), delta, other));
        Answers(() => AdvancedComposition.DworkRothblumVadhan(new(amount), count, delta));
        Answers(() => AdvancedComposition.OptimalDelta(new(amount), delta, count, other));
        Answers(() => AdvancedComposition.OptimalEpsilon(new(amount), delta, count, new(1e-6)) ?? 0);
        Answers(() => AdvancedComposition.OptimalEpsilonOnGrid(new(amount), delta, count, new(1e-6)) ?? 0);
        Answers(() => AdvancedComposition.EpsilonEach(new(amount), new(1e-6), delta, count + 1) ?? 0);
        Answers(() => BoundedRangeComposition.OptimalDelta(amount, count, other));
        Answers(() => ResetGrowth.After(new(amount), delta, long.MaxValue, new(1e-6)).ConcentratedEpsilon);
        Answers(() => ResetGrowth.After(new(amount), new(1e-6), 2, delta).BasicEpsilon);
        Answers(() => ZeroConcentrated.EpsilonAt(new(amount), delta));
        Answers(() => ZeroConcentrated.RhoFor(new(amount), delta).Value);
        Array.ForEach([Currency.Basic(delta), Currency.Advanced(delta), Currency.ZeroConcentrated(delta), Currency.Renyi(new RenyiOrder(7), delta)], currency =>
        {
            Answers(() => currency.BudgetFor(new(amount)));
            Answers(() => currency.EpsilonOf(other));
        });
        Answers(() => SumOfDiscreteGaussiansEvent.AfterStochasticRounding(amount, count + 1, delta.Value));
        Answers(() => PrivacyFilter.Gaussian(new(1), new(1e-6)).Cost(new GaussianEvent(amount, Add).Times(long.MaxValue).Times(3)));
    }, iter: 3000);

    private static double Ordered(Bracket bracket)
    {
        Assert.True(bracket.Lower >= 0 && bracket.Lower <= bracket.Upper, $"{bracket}");
        return bracket.Upper;
    }

    private static void Answers(Func<double> ask, [CallerArgumentExpression(nameof(ask))] string what = "")
    {
        try
        {
            var answer = ask();
            Assert.True(answer >= 0, $"{answer}: {what}");
        }
        catch (UnaccountableEventException refused)
        {
            Assert.Contains(refused.Refused.GetType().Name, refused.Message, StringComparison.Ordinal);
        }
    }
}
