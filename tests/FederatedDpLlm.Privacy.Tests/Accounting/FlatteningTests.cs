using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Tests.Accounting;

/// <summary>What a plan consists of: single events with their counts, and which of them are one Gaussian release.</summary>
public sealed class FlatteningTests
{
    private const NeighbouringRelation Add = NeighbouringRelation.AddOrRemoveOne;

    [Fact]
    public void A_tree_of_repetitions_is_its_leaves_and_how_often_they_come()
    {
        PrivacyEvent one = new LaplaceEvent(1, Add), other = new PureEvent(new(1), Add);
        var tree = new ComposedEvent(Add, one.Times(3), new ComposedEvent(Add, other, one.Times(2).Times(5)).Times(4), new ZeroEvent("public-model", Add), other.Times(0), new ZeroEvent("public-model", Add).Times(7));
        Assert.Equal([(one, 43), (other, 4)], EventTree.Flatten(tree));
        Assert.Empty(EventTree.Flatten(new ComposedEvent(Add)));
        Assert.Throws<OverflowException>(() => EventTree.Flatten(one.Times(long.MaxValue).Times(2)));
        Assert.Throws<OverflowException>(() => EventTree.Flatten(new ComposedEvent(Add, one.Times(long.MaxValue), one)));
    }

    [Fact]
    public void Gaussian_releases_have_a_squared_mu()
    {
        (PrivacyEvent Released, double? Square)[] cases =
        [
            (new GaussianEvent(4, Add), 1 / 16.0), (new GaussianEvent(1e200, Add), 1e-300), (new GaussianEvent(1e-200, Add), double.PositiveInfinity), (new GaussianEvent(0, Add), double.PositiveInfinity),
            (new PoissonSampledEvent(1, new GaussianEvent(4, Add)), 1 / 16.0), (new PoissonSampledEvent(0, new LaplaceEvent(4, Add)), 0), (new PoissonSampledEvent(0.5, new ZeroEvent("public-model", Add)), 0),
            (new PoissonSampledEvent(0.5, new GaussianEvent(4, Add)), null), (new SampledWithoutReplacementEvent(9, 3, new ZeroEvent("public-model", NeighbouringRelation.ReplaceOne)), 0), (new NonPrivateEvent(Add), double.PositiveInfinity),
            (new TreeAggregationEvent(2, 0, Add), 0), (new TreeAggregationEvent(2, 7, Add), 0.75), (new TreeAggregationEvent(2, 8, Add), 1), (new TreeAggregationEvent(0, 8, Add), double.PositiveInfinity),
            (new MatrixMechanismEvent(2, 3, 4, Add), 9), (new MatrixMechanismEvent(2, 0, 4, Add), 0), (new MatrixMechanismEvent(2, 3, 0, Add), 0), (new MatrixMechanismEvent(0, 3, 1, Add), double.PositiveInfinity), (new LaplaceEvent(1, Add), null),
        ];
        Assert.All(cases, one => Assert.Equal(one.Square, GaussianParts.SquaredMu(one.Released)));
    }

    [Fact]
    public void Equal_mixtures_are_one_event_and_different_ones_are_not()
    {
        static MixtureOfGaussiansEvent Of(double sigma, double sensitivity, double probability, NeighbouringRelation relation = Add) => new(sigma, [1, sensitivity], [1 - probability, probability], relation);
        var one = Of(1, 2, 0.5);
        Assert.Equal((one, one.GetHashCode()), (Of(1, 2, 0.5), Of(1, 2, 0.5).GetHashCode()));
        Assert.All([Of(2, 2, 0.5), Of(1, 3, 0.5), Of(1, 2, 0.25), Of(1, 2, 0.5, NeighbouringRelation.ReplaceByNothing)], other => Assert.NotEqual(one, other));
        Assert.False(one.Equals(null));
        Assert.Equal([0.25, 0.75], new MixtureOfGaussiansEvent(1, [1, 2], [0.25 * (1 + 5e-10), 0.75 * (1 + 5e-10)], Add).Probabilities, (x, y) => Math.Abs(x - y) < 1e-15);
        (double[] Sensitivities, double[] Probabilities)[] wrong = [([], []), ([1], [0.5, 0.5]), ([-1], [1]), ([double.PositiveInfinity], [1]), ([1, 2], [-0.5, 1.5]), ([1], [1 + 2e-9]), ([1], [1 - 2e-9]), ([1], [double.NaN])];
        Assert.All(wrong, parts => Assert.Throws<ArgumentException>(() => new MixtureOfGaussiansEvent(1, parts.Sensitivities, parts.Probabilities, Add)));
        Assert.Throws<ArgumentException>(() => Of(1, 2, 0.5, NeighbouringRelation.ReplaceOne));
        var composed = new ComposedEvent(Add, one, new PureEvent(new(1), Add));
        Assert.Equal((composed, composed.GetHashCode()), (new ComposedEvent(Add, one, new PureEvent(new(1), Add)), new ComposedEvent(Add, one, new PureEvent(new(1), Add)).GetHashCode()));
        Assert.NotEqual(composed, new ComposedEvent(Add, one));
        Assert.False(composed.Equals(null));
    }
}
