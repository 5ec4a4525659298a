using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Calibration;
using FederatedDpLlm.Privacy.Tests.Accounting;

namespace FederatedDpLlm.Privacy.Tests.Recorded;

/// <summary>Renyi divergences, rho, pure epsilons, currencies and closed forms: to 13 digits, and what is computed with IEEE operations alone to the last.</summary>
public sealed class RecordedAccountTests
{
    private const NeighbouringRelation Add = NeighbouringRelation.AddOrRemoveOne;
    private const NeighbouringRelation Replace = NeighbouringRelation.ReplaceOne;
    private const NeighbouringRelation Nothing = NeighbouringRelation.ReplaceByNothing;
    private const double Digits = 1e-13;
    private static readonly double[] Orders = [1, 1.25, 2, 3.5, 17, 64.5, 300, double.PositiveInfinity];

    private static IEnumerable<PrivacyEvent> Events =>
    [
        .. CountingTests.Kinds().Select(row => row.Data), new ExponentialMechanismEvent(3, Replace), new RandomizedResponseEvent(0.2, 3, Nothing), new RandomizedResponseEvent(0.5, 2, Nothing), new DiscreteLaplaceEvent(1.5, 5, Add), new LaplaceEvent(0.6, Add),
        new PoissonSampledEvent(0.02, new GaussianEvent(0.6, Add)), new PoissonSampledEvent(0.5, new GaussianEvent(3, Add)), new PoissonSampledEvent(1e-6, new GaussianEvent(1, Add)), new PoissonSampledEvent(0.3, new GaussianEvent(1, Replace)),
        new PoissonSampledEvent(0.01, new GaussianEvent(0.1, Add)), new PoissonSampledEvent(1, new GaussianEvent(2, Add)), new PoissonSampledEvent(0, new GaussianEvent(2, Add)), new PoissonSampledEvent(0.3, new PureEvent(new(1.2), Add)),
        new SampledWithoutReplacementEvent(1000, 300, new GaussianEvent(1, Replace)), new SampledWithoutReplacementEvent(1000, 1, new GaussianEvent(0.6, Replace)), new MixtureOfGaussiansEvent(1.1, [0.5, 1, 3], [0.5, 0.25, 0.25], Add),
        new MixtureOfGaussiansEvent(7, [0, 1], [0.99, 0.01], Add), new MixtureOfGaussiansEvent(1, [0, 0], [0.5, 0.5], Add), new RepeatAndSelectEvent(new GaussianEvent(3, Add), 5, 0), new RepeatAndSelectEvent(new GaussianEvent(3, Add), 5, -0.5),
        new RepeatAndSelectEvent(new GaussianEvent(8, Add), 1, 2), new RepeatAndSelectEvent(new PureEvent(new(0.4), Add), 300, 2), new PureEvent(new(4), Add), new ClippedLogitDecodingEvent(0.5, 20, 0.7, Nothing),
        new SumOfDiscreteGaussiansEvent(3, 0.6, 2, 50, Replace), new SumOfDiscreteGaussiansEvent(2, 0.9, 40, 1_000_000, Replace), new SumOfDiscreteGaussiansEvent(7, 1.1, 1, 3, Replace), new TreeAggregationEvent(3, 1024, Add), new MatrixMechanismEvent(2, 0, 3, Add),
        new ComposedEvent(Add, new GaussianEvent(2, Add).Times(3), new LaplaceEvent(3, Add), new PureEvent(new(0.1), Add).Times(7)), new GaussianEvent(3, Add).Times(7).Times(11), new PureEvent(new(0.1), Add).Times(0),
    ];

    // So little that margins and the ends of series are a part of it.
    private static IEnumerable<PrivacyEvent> Little =>
    [
        new LaplaceEvent(300, Add), new RandomizedResponseEvent(0.995, 3, Replace), new RandomizedResponseEvent(0.995, 3, Nothing), new DiscreteLaplaceEvent(300, 2, Add), new ExponentialMechanismEvent(0.05, Replace), new PureEvent(new(0.05), Add),
        new MixtureOfGaussiansEvent(1, [0, 6], [0.9, 0.1], Add), new MixtureOfGaussiansEvent(100, [0, 1], [0.5, 0.5], Add), new MixtureOfGaussiansEvent(1, [0, 0.5, 1], [0.999, 0.0005, 0.0005], Add),
        new PoissonSampledEvent(3e-5, new GaussianEvent(10 / 3.0, Add)), new PoissonSampledEvent(1e-5, new GaussianEvent(1, Add)), new PoissonSampledEvent(1e-3, new GaussianEvent(20, Add)), new PoissonSampledEvent(0.9, new GaussianEvent(0.2, Add)), new PoissonSampledEvent(1e-3, new PureEvent(new(0.1), Add)), new PoissonSampledEvent(1e-3, new GaussianEvent(5, Replace)),
        new SampledWithoutReplacementEvent(100_000, 3, new GaussianEvent(2, Replace)), new SampledWithoutReplacementEvent(1000, 300, new GaussianEvent(0.2, Replace)), new RepeatAndSelectEvent(new GaussianEvent(50, Add), 1.5, 0.5), new RepeatAndSelectEvent(new PureEvent(new(0.01), Add), 1e6, 1e-9),
    ];

    [Fact]
    public void Renyi_divergences_are_what_they_were() => Each("renyi", Digits, released => [.. Orders.Select(order => Renyi.DivergenceOf(released, new(order)))]);

    // Logarithms of sums next to 1 keep 10 of their digits.
    [Fact]
    public void Little_Renyi_divergences_are_what_they_were() => Each("little renyi", 1e-10, Little, released => [.. new[] { 1, 1.001, 1.25, 2, 3.5, 17, 64.5 }.Select(order => Renyi.DivergenceOf(released, new(order)))]);

    [Fact]
    public void Little_sampled_Gaussian_noise_loses_what_it_did_to_13_digits() =>
        Each("little sampled", Digits, Little.Where(released => released is PoissonSampledEvent { Part: GaussianEvent, Relation: Add }), released => [.. new[] { 1, 1.5, 2.5, 17, 64.5, 100.5 }.Select(order => Renyi.DivergenceOf(released, new(order)))]);

    [Fact]
    public void Renyi_epsilons_are_what_they_were() => Each("renyi epsilon", 1e-12, released => [Renyi.EpsilonAt(released, new(1e-6)), Renyi.EpsilonAt(released, new(0.1)), Renyi.EpsilonAt(released, default), Renyi.EpsilonAt(released, new(1e-6), [1, 2, 8, double.PositiveInfinity])]);

    [Fact]
    public void Renyi_deltas_are_what_they_were() => Each("renyi delta", 1e-11, released => [.. new[] { -1, 0, 0.3, 4 }.Select(RenyiCurve.Of(released).DeltaAt)]);

    [Fact]
    public void Rho_and_pure_epsilon_are_what_they_were() => Each("rho", Digits, released => [ZeroConcentrated.RhoOf(released), PureDp.EpsilonOf(released)]);

    [Fact]
    public void Costs_are_what_they_were() => Each("cost", 1e-12, released =>
        [.. new[] { Currency.Basic(new(1e-6)), Currency.Advanced(new(1e-6)), Currency.ZeroConcentrated(new(1e-6)), Currency.Renyi(new Epsilon(2), new(1e-6)), Currency.Basic(default) }.Select(currency => currency.CostOf(released))]);

    // Divisions, products and roots round the same on every machine, so up is up by exactly as much.
    [Fact]
    public void What_needs_no_logarithm_is_the_same_to_the_last_bit()
    {
        var record = new RecordedFigures();
        PrivacyEvent[] released =
        [
            new LaplaceEvent(3, Add), new LaplaceEvent(0.7, Add).Times(9), new DiscreteLaplaceEvent(3, 7, Add), new AboveThresholdEvent(new(0.1), new(0.7), 2, Add), new RepeatAndSelectEvent(new PureEvent(new(0.1), Add), 3, 0.7), new PureEvent(new(0.1), Add).Times(3),
            new ComposedEvent(Add, new PureEvent(new(0.1), Add), new PureEvent(new(0.2), Add), new LaplaceEvent(3, Add)), new ExponentialMechanismEvent(0.1, Add).Times(7), ExponentialMechanismEvent.ForVotes(3, 0.1, Replace), ExponentialMechanismEvent.ForVotes(3, 0.1, Add),
            new ClippedLogitDecodingEvent(0.3, 7, 0.9, Replace), new ClippedLogitDecodingEvent(0.3, 7, 0.9, Nothing), new DiscreteGaussianEvent(3, 0.7, Add), new DiscreteGaussianEvent(3, 0, Add), new MixtureOfGaussiansEvent(3, [0.1, 0.7], [0.5, 0.5], Add),
            new GaussianEvent(3, Add), GaussianEvent.OnClippedSum(3, 0.7, Replace), GaussianEvent.OnClippedSum(3, 0.7, Add), new TreeAggregationEvent(3, 100, Add), new PermuteAndFlipEvent(new(0.3), Add), new ZeroConcentratedEvent(new(0.1), Add).Times(3),
        ];
        for (var i = 0; i < released.Length; i++)
        {
            record.Compare($"exact, {i}", 0, ZeroConcentrated.RhoOf(released[i]), PureDp.EpsilonOf(released[i]));
        }

        foreach (var (norm, dimension) in new[] { (0.1, 3L), (7.3, 1L), (1e3, 1_000_003L) })
        {
            record.Compare($"exact, rounding {norm:R} {dimension}", 0, SumOfDiscreteGaussiansEvent.AfterStochasticRounding(norm, dimension, 0));
            record.Compare($"rounding {norm:R} {dimension}", Digits, SumOfDiscreteGaussiansEvent.AfterStochasticRounding(norm, dimension, 0.3), SumOfDiscreteGaussiansEvent.AfterStochasticRounding(norm, dimension, 1e-9));
        }

        record.AssertUnchanged();
    }

    [Fact]
    public void Budgets_and_readings_of_currencies_are_what_they_were()
    {
        var record = new RecordedFigures();
        foreach (var delta in new[] { 1e-12, 1e-6, 0.3, 0 })
        {
            Currency[] currencies = [Currency.Basic(new(delta)), Currency.Advanced(new(delta)), Currency.ZeroConcentrated(new(delta)), Currency.Renyi(new RenyiOrder(7.5), new(delta))];
            for (var i = 0; i < currencies.Length; i++)
            {
                record.Compare($"currency {i} at {delta:R}", 1e-12, [.. new[] { 0, 0.01, 1, 30 }.SelectMany(amount => new[] { currencies[i].BudgetFor(new(amount)), currencies[i].EpsilonOf(amount) })]);
            }
        }

        foreach (var (epsilon, delta) in new[] { (0.1, 1e-9), (2.0, 1e-6), (40, 1e-3) })
        {
            record.Compare($"one order for {epsilon:R}", 1e-11, Currency.Renyi(new Epsilon(epsilon), new(delta)).BudgetFor(new(epsilon)), PrivacyFilter.Gaussian(new(epsilon), new(delta)).Cost(new GaussianEvent(3, Add).Times(5)), Spent(PrivacyFilter.Gaussian(new(epsilon), new(delta))), Spent(PrivacyFilter.For(Currency.Basic(new(delta)), new(epsilon))));
        }

        var odometer = new PrivacyOdometer(new(1e-6), 0.01);
        for (var i = 0; i < 6; i++)
        {
            odometer.Charge(new PureEvent(new(0.05 * (1 << i)), Add));
            record.Compare($"odometer {i}", 1e-12, odometer.Epsilon);
        }

        record.AssertUnchanged();

        static double Spent(PrivacyFilter filter)
        {
            while (filter.TryAdmit(new GaussianEvent(12, Add)))
            {
            }

            return filter.EpsilonSpent;
        }
    }

    [Fact]
    public void Closed_forms_are_what_they_were()
    {
        var record = new RecordedFigures();
        foreach (var mu in new[] { 1e-3, 0.1, 1, 5, 30 })
        {
            record.Compare($"profile {mu:R}", 1e-11, [.. new[] { -2, 0, 0.4, 3, 50 }.Select(epsilon => GaussianProfile.DeltaAt(mu, epsilon)), .. new[] { 1e-12, 1e-5, 0.2 }.Select(delta => GaussianProfile.EpsilonAt(mu, new(delta)))]);
        }

        foreach (var epsilon in new[] { 0.001, 0.3, 4, 100 })
        {
            record.Compare($"mu for {epsilon:R}", 1e-11, [.. new[] { 1e-12, 1e-5, 0.3 }.SelectMany(delta => new[] { GaussianProfile.MuFor(new(epsilon), new(delta)), NoiseCalibration.GaussianSigma(new(epsilon), new(delta), 3) })]);
            record.Compare($"rho for {epsilon:R}", 1e-11, [.. new[] { 1e-12, 1e-5, 0.3 }.SelectMany(delta => new[] { ZeroConcentrated.RhoFor(new(epsilon), new(delta)).Value, ZeroConcentrated.EpsilonAt(new(epsilon), new(delta)) })]);
            record.Compare($"resets of {epsilon:R}", 1e-11, ResetGrowth.After(new(epsilon), new(1e-6), 12, new(1e-5)) is var growth ? growth.BasicEpsilon : 0, growth.ConcentratedEpsilon);
        }

        foreach (var (epsilon, count) in new[] { (0.1, 40), (0.7, 7), (1.3, 2) })
        {
            double total = epsilon * count * 0.4;
            record.Compare($"fixed {epsilon:R}", 1e-12, AdvancedComposition.DworkRothblumVadhan(new(epsilon), count, new(1e-6)), AdvancedComposition.OptimalDelta(new(epsilon), new(1e-7), count, total), AdvancedComposition.OptimalEpsilon(new(epsilon), new(1e-7), count, new(1e-3)) ?? -1,
                AdvancedComposition.OptimalEpsilonOnGrid(new(epsilon), new(1e-7), count, new(1e-3)) ?? -1, AdvancedComposition.EpsilonEach(new(total), new(1e-3), new(1e-7), count) ?? -1);
            record.Compare($"bounded range {epsilon:R}", 1e-12, BoundedRangeComposition.OptimalDelta(epsilon, count, total), BoundedRangeComposition.OptimalDelta(epsilon, count, 0), BoundedRangeComposition.OptimalDelta(epsilon, count, total * 2));
        }

        record.Compare("tau", 1e-14, SumOfDiscreteGaussians.Tau(5, 0.7), SumOfDiscreteGaussians.Tau(2, 1.1), SumOfDiscreteGaussians.Tau(300, 0.5), SumOfDiscreteGaussians.Tau(1, 1), SumOfDiscreteGaussians.Tau(3, 1e9));
        record.Compare("true positives", 1e-12, HypothesisTesting.GaussianTruePositiveRate(1, 0.1), HypothesisTesting.GaussianTruePositiveRate(0.3, 1e-6), HypothesisTesting.GaussianTruePositiveRate(2, 0), HypothesisTesting.GaussianTruePositiveRate(2, 1));
        record.Compare("smallest noise", 1e-12, NoiseCalibration.Smallest(x => x >= 3), NoiseCalibration.Smallest(x => x >= 1e-5), NoiseCalibration.Smallest(x => x >= 12345.678));
        record.AssertUnchanged();
    }

    private static void Each(string kind, double tolerance, Func<PrivacyEvent, double[]> figures) => Each(kind, tolerance, Events, figures);

    private static void Each(string kind, double tolerance, IEnumerable<PrivacyEvent> events, Func<PrivacyEvent, double[]> figures)
    {
        var record = new RecordedFigures();
        foreach (var (released, i) in events.Select((released, i) => (released, i)))
        {
            try
            {
                record.Compare($"{kind}, {i} {released.GetType().Name}", tolerance, figures(released));
            }
            catch (UnaccountableEventException)
            {
                record.Compare($"{kind}, {i} {released.GetType().Name}", 0, double.NaN);
            }
        }

        record.AssertUnchanged();
    }
}
