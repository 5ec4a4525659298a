using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Tests.Recorded;

/// <summary>Brackets of the tight accountant. Any lattice is sound, but a report that is made again has to say what it said: both ends stay the same to 10 digits.</summary>
public sealed class RecordedLossTests
{
    private const NeighbouringRelation Add = NeighbouringRelation.AddOrRemoveOne;
    private const NeighbouringRelation Replace = NeighbouringRelation.ReplaceOne;
    private const NeighbouringRelation Nothing = NeighbouringRelation.ReplaceByNothing;
    private const double Digits = 1e-10;

    [Fact]
    public void Single_releases_cost_what_they_did() => Brackets(
        ("gaussian", new GaussianEvent(1.3, Add)), ("laplace", new LaplaceEvent(1.7, Add)), ("discrete gaussian", new DiscreteGaussianEvent(2.5, 2, Add)), ("narrow discrete gaussian", new DiscreteGaussianEvent(0.3, 1, Add)), ("sampled tree", new PoissonSampledEvent(0.1, new TreeAggregationEvent(3, 10, Add))), ("discrete laplace", new DiscreteLaplaceEvent(3, 4, Add)),
        ("sampled gaussian", new PoissonSampledEvent(0.1, new GaussianEvent(0.8, Add))), ("sampled gaussian, replaced", new PoissonSampledEvent(0.1, new GaussianEvent(0.8, Replace))),
        ("mixture", new MixtureOfGaussiansEvent(1.5, [0, 1, 2], [0.7, 0.2, 0.1], Add)), ("bounded range", new ExponentialMechanismEvent(0.9, Replace)), ("approximate", new ApproximateEvent(new(0.8), new(1e-4), Replace)),
        ("response", new RandomizedResponseEvent(0.4, 5, Replace)), ("response against nothing", new RandomizedResponseEvent(0.4, 5, Nothing)), ("sampled bounded range", new PoissonSampledEvent(0.2, new ExponentialMechanismEvent(0.9, Add))));

    [Fact]
    public void Few_outcomes_composed_cost_what_they_did() => Brackets(
        ("pure x20", new PureEvent(new(0.2), Replace).Times(20)), ("response x6", new RandomizedResponseEvent(0.6, 3, Replace).Times(6)), ("response against nothing x6", new RandomizedResponseEvent(0.6, 3, Nothing).Times(6)),
        ("discrete laplace x8", new DiscreteLaplaceEvent(6, 3, Add).Times(8)), ("approximate x5", new ApproximateEvent(new(0.3), new(1e-5), Replace).Times(5)), ("masked response x7", new PoissonSampledEvent(0.3, new RandomizedResponseEvent(0.5, 3, Replace)).Times(7)),
        ("sampled discrete laplace x12", new PoissonSampledEvent(0.2, new DiscreteLaplaceEvent(2, 1, Add)).Times(12)), ("two kinds", new ComposedEvent(Replace, new PureEvent(new(0.2), Replace).Times(9), new PureEvent(new(0.31), Replace).Times(4))),
        ("sampled approximate x4", new PoissonSampledEvent(0.25, new ApproximateEvent(new(0.4), new(1e-5), Add)).Times(4)), ("fine outcomes x3", new DiscreteLaplaceEvent(2000, 1000, Add).Times(3)),
        ("discrete gaussian x5", new DiscreteGaussianEvent(4, 1, Add).Times(5)));

    [Fact]
    public void Densities_composed_cost_what_they_did() => Brackets(
        ("laplace x10", new LaplaceEvent(3, Add).Times(10)), ("bounded range x15", new ExponentialMechanismEvent(0.3, Replace).Times(15)), ("sampled laplace x20", new PoissonSampledEvent(0.1, new LaplaceEvent(1, Add)).Times(20)),
        ("masked laplace x20", new PoissonSampledEvent(0.1, new LaplaceEvent(1, Replace)).Times(20)), ("sampled bounded range x10", new PoissonSampledEvent(0.3, new ExponentialMechanismEvent(0.5, Add)).Times(10)));

    [Fact]
    public void Sampled_Gaussian_noise_composed_costs_what_it_did() => Brackets([1e-6], [0.7],
        ("training", new PoissonSampledEvent(0.02, new GaussianEvent(1, Add)).Times(200)), ("training, replaced", new PoissonSampledEvent(0.05, new GaussianEvent(2, Replace)).Times(50)),
        ("mixture x10", new MixtureOfGaussiansEvent(3, [0, 1, 2], [0.8, 0.15, 0.05], Add).Times(10)), ("much of little", new PoissonSampledEvent(1e-3, new GaussianEvent(0.7, Add)).Times(1000)), ("sampled tree x3", new PoissonSampledEvent(0.1, new TreeAggregationEvent(3, 10, Add)).Times(3)));

    [Fact]
    public void Mixed_plans_cost_what_they_did() => Brackets(
        ("gaussian and laplace", new ComposedEvent(Add, new GaussianEvent(4, Add).Times(3), new LaplaceEvent(5, Add).Times(4))),
        ("next to nothing beside something", new ComposedEvent(Add, new PureEvent(new(1e-13), Add).Times(3), new LaplaceEvent(3, Add).Times(3))),
        ("next to nothing often", new PureEvent(new(1e-13), Add).Times(2)), ("nothing private", new ComposedEvent(Add, new NonPrivateEvent(Add), new LaplaceEvent(3, Add))),
        ("sometimes nothing private", new PoissonSampledEvent(1e-4, new NonPrivateEvent(Add)).Times(3)), ("wide", new PureEvent(new(40), Replace).Times(2)), ("tree and tokens", new ComposedEvent(Replace, new TreeAggregationEvent(9, 30, Replace), new ClippedLogitDecodingEvent(0.5, 20, 1, Replace).Times(12))));

    [Fact]
    public void A_lattice_that_was_asked_for_gives_what_it_did()
    {
        var record = new RecordedFigures();
        PrivacyEvent[] plans = [new PoissonSampledEvent(0.02, new GaussianEvent(1, Add)).Times(100), new LaplaceEvent(3, Add).Times(6), new PureEvent(new(0.2), Replace).Times(6)];
        for (var i = 0; i < plans.Length; i++)
        {
            var (epsilon, delta) = (PrivacyLoss.EpsilonAt(plans[i], new(1e-5), 0.004), PrivacyLoss.DeltaAt(plans[i], 0.6, 0.004));
            record.Compare($"loss, lattice, {i}", Digits, epsilon.Lower, epsilon.Upper, delta.Lower, delta.Upper, PrivacyLoss.Interval(plans[i], new(1e-5)));
        }

        record.AssertUnchanged();
    }

    private static void Brackets(params (string Name, PrivacyEvent Released)[] plans) => Brackets([1e-10, 1e-4, 0.05], [-0.5, 0, 0.7, 2.1], plans);

    private static void Brackets(double[] deltas, double[] epsilons, params (string Name, PrivacyEvent Released)[] plans)
    {
        var record = new RecordedFigures();
        foreach (var (name, released) in plans)
        {
            foreach (var delta in deltas)
            {
                var bracket = PrivacyLoss.EpsilonAt(released, new(delta));
                record.Compare($"loss, {name}, epsilon at {delta:R}", Digits, bracket.Lower, bracket.Upper);
            }

            foreach (var epsilon in epsilons)
            {
                var bracket = PrivacyLoss.DeltaAt(released, epsilon);
                record.Compare($"loss, {name}, delta at {epsilon:R}", Digits, bracket.Lower, bracket.Upper);
            }
        }

        record.AssertUnchanged();
    }
}
