using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Accounting.Losses;

namespace FederatedDpLlm.Privacy.Tests.Accounting.Losses;

/// <summary>Which pair an event has, in both directions: delta against the sum, or the integral, of max(0, P - e^epsilon Q) over what the event may show.</summary>
public sealed class PairsOfTests
{
    private const NeighbouringRelation Add = NeighbouringRelation.AddOrRemoveOne;
    private const NeighbouringRelation Replace = NeighbouringRelation.ReplaceOne;
    private const NeighbouringRelation Nothing = NeighbouringRelation.ReplaceByNothing;
    private static readonly double[] Epsilons = [-2, -0.4, 0, 0.15, 0.8, 2.5];

    [Fact]
    public void A_response_is_a_truth_against_another_or_against_a_uniform_answer()
    {
        // Noise 1/2 over 4 answers: 5/8 for the truth, 1/8 for each other.
        IsBothWays(new RandomizedResponseEvent(0.5, 4, Replace), (0.625, 0.125), (0.125, 0.625), (0.125, 0.125), (0.125, 0.125));
        IsBothWays(new RandomizedResponseEvent(0.5, 2, Replace), (0.75, 0.25), (0.25, 0.75));
        IsSwapped(new RandomizedResponseEvent(0.5, 4, Nothing), (0.625, 0.25), (0.125, 0.25), (0.125, 0.25), (0.125, 0.25));
    }

    [Fact]
    public void Integer_noise_is_itself_against_its_shift()
    {
        static double Laplace(int x) => Math.Tanh(1 / 3.4) * Math.Exp(-Math.Abs(x) / 1.7);
        IsBothWays(new DiscreteLaplaceEvent(1.7, 3, Add), [.. Enumerable.Range(-90, 184).Select(x => (Laplace(x), Laplace(x - 3)))]);
        IsBothWays(new DiscreteLaplaceEvent(1.7, 1, Add), [.. Enumerable.Range(-90, 182).Select(x => (Laplace(x), Laplace(x - 1)))]);
        IsBothWays(new DiscreteLaplaceEvent(1.7, 0, Add), (1, 1));

        var total = Enumerable.Range(-100, 201).Sum(x => Math.Exp(-0.5 * x * x / 5.29));
        double Gaussian(int x) => Math.Exp(-0.5 * x * x / 5.29) / total;
        IsBothWays(new DiscreteGaussianEvent(2.3, 1, Add), [.. Enumerable.Range(-80, 162).Select(x => (Gaussian(x), Gaussian(x - 1)))]);
        IsBothWays(new DiscreteGaussianEvent(2.3, 4, Add), [.. Enumerable.Range(-80, 165).Select(x => (Gaussian(x), Gaussian(x - 4)))]);
    }

    // Losses (s^2 - 2 x s)/(2 sigma^2) of a noise of x, out to 36 sigma and no further.
    [Fact]
    public void Discrete_Gaussian_noise_is_taken_out_to_36_sigma()
    {
        var pair = PairsOf.Event(new DiscreteGaussianEvent(2.3, 1, Add)).Remove;
        Assert.Equal((1 + (2 * 83)) / (2 * 5.29), pair.Largest, 1e-10);
        Assert.Equal(-(1 + (2 * 83)) / (2 * 5.29), pair.Smallest, 1e-10);
        Assert.InRange(pair.Above(double.PositiveInfinity).P, 1e-285, 1.1e-280);
    }

    [Fact]
    public void Noise_is_taken_exactly_up_to_a_sensitivity_of_100000() => Assert.Equal(1, PairsOf.Event(new DiscreteGaussianEvent(1, 100_000, Add)).Remove.DeltaAt(3), 1e-12);

    [Fact]
    public void Very_many_outcomes_are_taken_as_the_two_worst()
    {
        var (epsilon, pair) = (1_000_001 / 8e5, PairsOf.Event(new DiscreteLaplaceEvent(8e5, 1_000_001, Add)).Remove);
        Assert.Equal(((1 / (1 + Math.Exp(-epsilon))) - (Math.Exp(0.3) / (1 + Math.Exp(epsilon)))), pair.DeltaAt(0.3), 1e-14);
    }

    [Fact]
    public void What_has_no_distribution_that_can_be_written_down_is_refused()
    {
        PrivacyEvent[] refused =
        [
            new DiscreteGaussianEvent(2, 1.5, Add), new DiscreteGaussianEvent(100_001, 1, Add), new DiscreteGaussianEvent(2, 100_001, Add), new DiscreteGaussianEvent(2, 1, Add, 2),
            new ZeroConcentratedEvent(new(0.1), Add), new SumOfDiscreteGaussiansEvent(3, 1, 1, 1, Add),
        ];
        Assert.All(refused, released => Assert.Same(released, Assert.Throws<UnaccountableEventException>(() => PairsOf.Event(released)).Refused));
    }

    [Fact]
    public void A_choice_is_its_bounded_range_and_pure_privacy_its_worst_response()
    {
        static double Range(double eta, double at) => Math.Pow(1 - Math.Exp((at - eta) / 2), 2) / (1 - Math.Exp(-eta));
        Assert.Equal(Range(1.4, 0.5), PairsOf.Event(new ExponentialMechanismEvent(1.4, Add)).Add.DeltaAt(0.5), 1e-13);
        var token = new ClippedLogitDecodingEvent(3, 6, 2, Replace);
        Assert.Equal(Range(token.BoundedRange, 0.5), PairsOf.Event(token).Remove.DeltaAt(0.5), 1e-13);
        var (yes, no) = (1 / (1 + Math.Exp(-0.7)), 1 / (1 + Math.Exp(0.7)));
        IsBothWays(new PureEvent(new(0.7), Add), (yes, no), (no, yes));
        IsBothWays(new PermuteAndFlipEvent(new(0.7), Add), (yes, no), (no, yes));
        IsBothWays(new ApproximateEvent(new(0.7), new(0.1), Add), (0.9 * yes, 0.9 * no), (0.9 * no, 0.9 * yes), (0.1, 0), (0, 0.1));
        Assert.All(new PrivacyEvent[] { new ExponentialMechanismEvent(0, Add), new ClippedLogitDecodingEvent(0, 1, 1, Add), new TreeAggregationEvent(1, 0, Add), new PureEvent(new(0), Add) }, free => IsBothWays(free, (1, 1)));
    }

    [Fact]
    public void Gaussian_noise_is_one_Gaussian_of_its_mu()
    {
        Assert.Equal(GaussianProfile.DeltaAt(0.4, 0.3), PairsOf.Event(new GaussianEvent(2.5, Add)).Remove.DeltaAt(0.3), 1e-15);
        Assert.Equal(GaussianProfile.DeltaAt(2 / 2.5, 0.3), PairsOf.Event(new TreeAggregationEvent(2.5, 8, Add)).Add.DeltaAt(0.3), 1e-15);
        Assert.Equal(0.5 / 1.7, PairsOf.Event(new LaplaceEvent(3.4, Add)).Remove.Largest, 1e-15);
    }

    [Fact]
    public void What_protects_nothing_gives_everything_away() => Assert.All(
        new PrivacyEvent[] { new NonPrivateEvent(Add), new GaussianEvent(0, Add), new LaplaceEvent(1e-310, Add), new DiscreteLaplaceEvent(0, 1, Add), new DiscreteGaussianEvent(0, 1, Add), new MixtureOfGaussiansEvent(0, [1], [1], Add), new RandomizedResponseEvent(0, 3, Replace) },
        released => Assert.Equal((1, 1), (PairsOf.Event(released).Remove.DeltaAt(5), PairsOf.Event(released).Add.DeltaAt(5))));

    [Fact]
    public void A_sample_mixes_what_is_seen_with_what_is_seen_without_the_unit()
    {
        IsBothWays(new PoissonSampledEvent(0, new LaplaceEvent(1, Add)), (1, 1));
        IsBothWays(new PoissonSampledEvent(1, new PureEvent(new(Math.Log(3)), Add)), (0.75, 0.25), (0.25, 0.75));
        IsSwapped(new PoissonSampledEvent(0.2, new PureEvent(new(Math.Log(3)), Add)), (0.35, 0.25), (0.65, 0.75));
        IsSwapped(new PoissonSampledEvent(0.2, new RandomizedResponseEvent(0.5, 4, Nothing)), (0.325, 0.25), (0.225, 0.25), (0.225, 0.25), (0.225, 0.25));
        IsSwapped(new PoissonSampledEvent(0.2, new GaussianEvent(0, Add)), (0.8, 1), (0.2, 0));

        // Under replacement an unseen draw makes no difference.
        IsBothWays(new PoissonSampledEvent(0.2, new PureEvent(new(Math.Log(3)), Replace)), (0.15, 0.05), (0.05, 0.15), (0.8, 0.8));
    }

    [Fact]
    public void Sampled_Gaussian_noise_mixes_two_Gaussians()
    {
        static double Normal(double z, double mean) => Math.Exp(-0.5 * (z - mean) * (z - mean)) / Math.Sqrt(2 * Math.PI);
        IsIntegral(new PoissonSampledEvent(0.2, new GaussianEvent(0.8, Add)), z => (0.8 * Normal(z, 0)) + (0.2 * Normal(z, 1.25)), z => Normal(z, 0));
        IsIntegral(new PoissonSampledEvent(0.2, new GaussianEvent(0.8, Nothing)), z => (0.8 * Normal(z, 0)) + (0.2 * Normal(z, 1.25)), z => Normal(z, 0));
        IsIntegral(new PoissonSampledEvent(0.2, new GaussianEvent(0.8, Replace)), z => (0.8 * Normal(z, 0)) + (0.2 * Normal(z, 0.625)), z => (0.8 * Normal(z, 0)) + (0.2 * Normal(z, -0.625)));
        IsIntegral(new MixtureOfGaussiansEvent(2, [0, 1, 3], [0.5, 0.3, 0.2], Add), z => (0.5 * Normal(z, 0)) + (0.3 * Normal(z, 0.5)) + (0.2 * Normal(z, 1.5)), z => Normal(z, 0));
    }

    private static void IsIntegral(PrivacyEvent released, Func<double, double> p, Func<double, double> q)
    {
        var (remove, add) = PairsOf.Event(released);
        foreach (var epsilon in Epsilons)
        {
            // Corners cost the rule some digits.
            double Integral(Func<double, double> first, Func<double, double> second) => Enumerable.Range(-5000, 10_001).Sum(i => Math.Max(0, first(i / 500.0) - (Math.Exp(epsilon) * second(i / 500.0)))) / 500;
            Assert.Equal(Integral(p, q), remove.DeltaAt(epsilon), 2e-6);
            Assert.Equal(Integral(q, p), add.DeltaAt(epsilon), 2e-6);
        }
    }

    private static void IsBothWays(PrivacyEvent released, params (double P, double Q)[] outcomes)
    {
        IsSwapped(released, outcomes);
        Assert.Equal(PairsOf.Event(released).Remove.DeltaAt(0.2), PairsOf.Event(released).Add.DeltaAt(0.2), 1e-14);
    }

    private static void IsSwapped(PrivacyEvent released, params (double P, double Q)[] outcomes)
    {
        var (remove, add) = PairsOf.Event(released);
        foreach (var epsilon in Epsilons)
        {
            Assert.Equal(outcomes.Sum(outcome => Math.Max(0, outcome.P - (Math.Exp(epsilon) * outcome.Q))), remove.DeltaAt(epsilon), 1e-13);
            Assert.Equal(outcomes.Sum(outcome => Math.Max(0, outcome.Q - (Math.Exp(epsilon) * outcome.P))), add.DeltaAt(epsilon), 1e-13);
        }
    }
}
