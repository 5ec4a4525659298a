using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Accounting.Losses;

namespace FederatedDpLlm.Privacy.Tests.Accounting.Losses;

/// <summary>What a plan does around its lattices: closed forms, single releases, parts too small to matter, and how the slack that it is given widens the bracket.</summary>
public sealed class LossPlanTests
{
    private const NeighbouringRelation Add = NeighbouringRelation.AddOrRemoveOne;
    private const NeighbouringRelation Replace = NeighbouringRelation.ReplaceOne;
    private const NeighbouringRelation Nothing = NeighbouringRelation.ReplaceByNothing;

    // A slack of a tenth shows where it goes.
    [Fact]
    public void Slack_widens_closed_forms_on_both_sides()
    {
        var plan = new LossPlan(new ComposedEvent(Add, new GaussianEvent(4, Add).Times(9), new GaussianEvent(1, Add)));
        var mu = Math.Sqrt((9 / 16.0) + 1);
        Is(GaussianProfile.EpsilonAt(mu, new(1.1e-3)) * 0.9, GaussianProfile.EpsilonAt(mu, new(1e-3)), plan.EpsilonAt(new(1e-3), null, 0.1));
        Is(0, GaussianProfile.EpsilonAt(mu, new(0.99)), plan.EpsilonAt(new(0.99), null, 0.1));
        var delta = GaussianProfile.DeltaAt(mu, 0.4);
        Is(0.9 * delta, 1.1 * delta, plan.DeltaAt(0.4, null, 0.1));
        Is(0.9 * GaussianProfile.DeltaAt(mu, -9), 1, plan.DeltaAt(-9, null, 0.1));
    }

    // Laplace noise of epsilon 0.8: delta = 1 - e^((x - 0.8)/2).
    [Fact]
    public void Slack_widens_single_releases_on_both_sides()
    {
        var plan = new LossPlan(new LaplaceEvent(1.25, Add));
        Is(0.9 * (0.8 + (2 * Math.Log(1 - 0.11))), 1.1 * (0.8 + (2 * Math.Log(1 - 0.09))), plan.EpsilonAt(new(0.1), null, 0.1));
        Is(0, 0, plan.EpsilonAt(new(0.5), null, 0.1));
        Is(0.9 * (1 - Math.Exp(-0.25)), 1.1 * (1 - Math.Exp(-0.25)), plan.DeltaAt(0.3, null, 0.1));
        Is(0.9 * (1 - Math.Exp(-5)), 1, plan.DeltaAt(-5, null, 0.1));
        Assert.Equal(new(double.PositiveInfinity, double.PositiveInfinity), new LossPlan(new ApproximateEvent(new(0.3), new(0.2), Add)).EpsilonAt(new(0.1), null, 0.1));
    }

    // The truth is told with 5/8 or 1/4, each other answer with 1/8 or 1/4: one direction is worse for small epsilons, the other for large ones.
    [Fact]
    public void The_worse_direction_counts()
    {
        var plan = new LossPlan(new RandomizedResponseEvent(0.5, 4, Nothing));
        Assert.Equal(0.625 - (0.25 * Math.Exp(0.8)), plan.DeltaAt(0.8, null, 0).Upper, 1e-14);
        Assert.Equal(Math.Log((0.625 - 0.05) / 0.25), plan.EpsilonAt(new(0.05), null, 0).Upper, 1e-13);
        var other = new LossPlan(new RandomizedResponseEvent(0.05, 2, Nothing));
        Assert.Equal(0.5 - (0.025 * Math.Exp(2)), other.DeltaAt(2, null, 0).Upper, 1e-14);
        Assert.Equal(Math.Log((0.5 - 0.05) / 0.025), other.EpsilonAt(new(0.05), null, 0).Upper, 1e-13);
    }

    [Fact]
    public void Parts_too_small_for_any_lattice_add_their_largest_losses()
    {
        var something = new LaplaceEvent(3, Add).Times(3);
        var (with, without) = (new LossPlan(new ComposedEvent(Add, something, new PureEvent(new(2e-12), Add).Times(4))), new LossPlan(something));
        var (more, less) = (with.EpsilonAt(new(1e-3), null, 1e-11), without.EpsilonAt(new(1e-3), null, 1e-11));
        Assert.Equal(less.Lower, more.Lower);
        Assert.Equal(8e-12, more.Upper - less.Upper, 1e-15);
        Assert.Equal(without.DeltaAt(0.4, null, 1e-11).Lower, with.DeltaAt(0.4, null, 1e-11).Lower);
        var charged = with.DeltaAt(0.4, null, 1e-11).Upper - without.DeltaAt(0.4, null, 1e-11).Upper;
        Assert.InRange(charged, 1e-13, 8e-12);

        // Alone it is not too small, twice it is.
        var tiny = new PureEvent(new(1e-13), Add);
        Assert.InRange(new LossPlan(tiny).EpsilonAt(new(1e-15), null, 1e-11).Lower, 9e-14, 1e-13);
        Is(0, 2e-13, new LossPlan(tiny.Times(2)).EpsilonAt(new(1e-15), null, 1e-11), 1e-15);

        // A chance of everything, however small, is not too small.
        Assert.Equal(double.PositiveInfinity, new LossPlan(new ComposedEvent(Add, something, new ApproximateEvent(new(0), new(1e-5), Add))).EpsilonAt(new(1e-6), null, 1e-11).Upper);
        // Of two directions the larger one.
        var sampled = new PoissonSampledEvent(1e-14, new PureEvent(new(1), Add));
        Assert.Equal(4e-14 * (Math.E - 1), new LossPlan(new ComposedEvent(Add, something, sampled.Times(4))).EpsilonAt(new(1e-3), null, 1e-11).Upper - less.Upper, 1e-15);
    }

    // Two releases of N(1/2, 1)-like and Laplace losses by one plain double sum: the Gaussian part's delta at the epsilon that the other left over.
    [Theory, InlineData(2.0, 1), InlineData(0.5, 1), InlineData(2.0, 2)]
    public void Gaussian_noise_beside_something_else_is_a_part_of_the_sum(double noise, int times)
    {
        var mu = Math.Sqrt(times) / noise;
        var plan = new LossPlan(new ComposedEvent(Replace, new GaussianEvent(noise, Replace).Times(times), new RandomizedResponseEvent(0.5, 2, Replace)));
        foreach (var epsilon in new[] { 0.2, 1, 2.5 })
        {
            var exact = (0.75 * GaussianProfile.DeltaAt(mu, epsilon - Math.Log(3))) + (0.25 * GaussianProfile.DeltaAt(mu, epsilon + Math.Log(3)));
            var bracket = plan.DeltaAt(epsilon, null, 1e-11);
            Assert.InRange(exact, bracket.Lower, bracket.Upper);
            Assert.True(bracket.Upper - bracket.Lower <= 2e-3 * exact, $"{bracket} for {exact}");
            var back = plan.EpsilonAt(new(exact), null, 1e-11);
            Assert.InRange(epsilon, back.Lower, back.Upper);
            Assert.True(back.Upper - back.Lower <= 1e-3, $"{back} for {epsilon}");
        }
    }

    // What is cut off at the ends of a lattice is charged, and has to stay far below any delta that is asked for.
    [Theory, InlineData(1e-9), InlineData(1e-13)]
    public void Small_deltas_are_told_as_sharply_as_others(double delta)
    {
        var bracket = new LossPlan(new PoissonSampledEvent(0.1, new GaussianEvent(1, Add)).Times(3)).EpsilonAt(new(delta), null, 1e-11);
        Assert.InRange(bracket.Lower, bracket.Upper * (1 - 1e-3), bracket.Upper);
    }

    [Fact]
    public void No_epsilon_exceeds_the_sum_of_the_largest_losses()
    {
        Assert.Equal(1.2 * (1 + 1e-12), new LossPlan(new LaplaceEvent(5, Add).Times(6)).EpsilonAt(new(1e-200), null, 1e-11).Upper, 1e-15);
        var both = new LossPlan(new ComposedEvent(Replace, new LaplaceEvent(5, Replace).Times(2), new RandomizedResponseEvent(0.5, 2, Replace).Times(3)));
        Assert.Equal((0.4 + (3 * Math.Log(3))) * (1 + 1e-12), both.EpsilonAt(new(1e-200), null, 1e-11).Upper, 1e-14);
        // The larger direction of one that has two.
        Assert.Equal(2 * Math.Log(20) * (1 + 1e-12), new LossPlan(new RandomizedResponseEvent(0.05, 2, Nothing).Times(2)).EpsilonAt(new(1e-200), null, 1e-11).Upper, 1e-13);
    }

    private static void Is(double lower, double upper, Bracket bracket, double tolerance = 1e-12)
    {
        Assert.Equal(lower, bracket.Lower, tolerance);
        Assert.Equal(upper, bracket.Upper, tolerance);
    }
}
