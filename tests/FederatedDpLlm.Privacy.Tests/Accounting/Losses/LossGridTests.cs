using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Accounting.Losses;

namespace FederatedDpLlm.Privacy.Tests.Accounting.Losses;

/// <summary>One loss on a lattice, from above and from below: what geometry says of chords and tangents of delta as a function of e^epsilon.</summary>
public sealed class LossGridTests
{
    private const double Tail = 1e-13;

    public static TheoryData<string, double> Cases() => [.. Pairs.Keys.SelectMany(name => new[] { 0.31, 0.05 }.Select(step => new TheoryDataRow<string, double>(name, step)))];

    private static Dictionary<string, DominatingPair> Pairs { get; } = new()
    {
        ["gaussian"] = new GaussianPair(0.8), ["laplace"] = new LaplacePair(1.2), ["pure"] = AtomicPair.OfApproximate(0.9, 0), ["approximate"] = AtomicPair.OfApproximate(0.9, 1e-3), ["bounded range"] = new BoundedRangePair(1.1),
        ["atoms off any lattice"] = new AtomicPair([new(0.5, 0.2), new(0.3, 0.3), new(0.15, 0.2), new(0.05, 0.3)]), ["sampled gaussian"] = new GaussianMixturePair([(0, 0.9), (1.5, 0.1)], [(0, 1)]),
        ["sampled gaussian added"] = new GaussianMixturePair([(0, 0.9), (1.5, 0.1)], [(0, 1)]).Swapped(), ["sampled laplace"] = new PoissonPair(new LaplacePair(1), 0.2), ["masked"] = new MaskedPair(new LaplacePair(1), 0.2),
    };

    // The chord meets the curve at the lattice points and lies above it between them: "connect the dots" in one sentence.
    [Theory, MemberData(nameof(Cases))]
    public void From_above_delta_is_exact_on_the_lattice_and_no_less_between(string name, double step)
    {
        var (pair, grid) = (Pairs[name], LossGrid.Of(Pairs[name], step, Tail));
        for (var i = 0; i < grid.Upper.Length; i++)
        {
            var at = grid.Origin + (i * step);
            Assert.Equal(pair.DeltaAt(at), Delta(grid.Upper, grid, at, grid.Infinite), 1e-11);
            Assert.True(Delta(grid.Upper, grid, at + (0.4 * step), grid.Infinite) >= pair.DeltaAt(at + (0.4 * step)) - 1e-12);
        }

        Assert.Equal(1, grid.Upper.Sum() + grid.Infinite, 1e-12);
        Assert.All(grid.Upper, mass => Assert.True(mass >= 0));
    }

    // The tangents lie below the curve, and above the curve of losses that are two steps smaller.
    [Theory, MemberData(nameof(Cases))]
    public void From_below_delta_is_no_more_than_that_of_what_is_really_there_and_hardly_less(string name, double step)
    {
        var (witness, grid) = (Pairs[name].Witness, LossGrid.Of(Pairs[name], step, Tail));
        for (var at = grid.Origin - step; at < grid.Origin + (grid.Lower.Length * step); at += step / 3)
        {
            var (below, exact) = (Delta(grid.Lower, grid, at + grid.Rise, grid.SurelyInfinite), witness.DeltaAt(at));
            Assert.True(below <= exact + 1e-12, $"{below:R} at {at}, above {exact:R}");
            Assert.True(below >= witness.DeltaAt(at + (2 * step)) - 1e-12, $"{below:R} at {at}, far below {exact:R}");
        }

        Assert.InRange(grid.Lower.Sum() + grid.SurelyInfinite, 1 - (2 * step), 1 + 1e-12);
        Assert.All(grid.Lower, mass => Assert.True(mass >= 0));
        Assert.Equal(Pairs[name].Above(double.PositiveInfinity).P, grid.SurelyInfinite, 1e-15);
        Assert.InRange(grid.Rise, 0, 1e-11);
    }

    // Mean losses in closed form; the spread moves them up, by less than a squared step.
    [Theory, InlineData("gaussian", 0.32), InlineData("laplace", 0.5011942119122021), InlineData("pure", 0.3797091173374135)]
    public void The_spread_moves_the_mean_by_a_term_of_second_order(string name, double mean)
    {
        foreach (var step in new[] { 0.31, 0.05 })
        {
            var grid = LossGrid.Of(Pairs[name], step, Tail);
            Assert.InRange(grid.Upper.Select((mass, i) => mass * (grid.Origin + (i * step))).Sum() - mean, -1e-6, step * step);
        }
    }

    [Fact]
    public void A_grid_says_how_wide_it_is()
    {
        // The quartiles of N(mu^2/2, mu^2) lie 1.3490 mu apart; those of a response of one chance above 3/4 nowhere.
        Assert.Equal(1.3490 * 0.8, LossGrid.Of(Pairs["gaussian"], 0.1, Tail).Bulk, 0.004);
        Assert.Equal(0, LossGrid.Of(AtomicPair.OfApproximate(2, 0), 0.1, Tail).Bulk, 0.004);
        // P(N > z) = 1e-4 at z = 3.719.
        Assert.Equal(2 * 3.719 * 0.8, LossGrid.RangeOf(Pairs["gaussian"], 1e-4), 0.02);
        Assert.Equal(2.4, LossGrid.RangeOf(Pairs["laplace"], 1e-12), 1e-12);
        // Also where all of it is far nearer to 0 than 1.
        Assert.Equal(2 * 3.719 * 0.05, LossGrid.RangeOf(new GaussianPair(0.05), 1e-4), 1e-3);
        Assert.Equal(0, LossGrid.Of(Pairs["gaussian"], 0.1, Tail).Nudge);
        Assert.Equal(1e-12 * 1.9, LossGrid.Of(Pairs["pure"], 0.1, Tail).Nudge, 1e-20);
        Assert.Equal(-1.2, LossGrid.Of(Pairs["laplace"], 0.1, Tail).Origin, 1e-12);
        Assert.Equal(0, LossGrid.Of(Pairs["gaussian"], 0.1, Tail).Origin / 0.1 % 1, 1e-9);
        Assert.Throws<ArithmeticException>(() => LossGrid.Of(Pairs["gaussian"], 1e-9, Tail));
    }

    // Nothing that is cut off at an end is forgotten: at most the tail, and it is charged.
    [Fact]
    public void What_the_lattice_does_not_reach_is_charged_from_above_and_given_up_from_below()
    {
        var grid = LossGrid.Of(new GaussianPair(1), 0.1, 0.01);
        Assert.InRange(grid.Infinite, 0.005, 0.01);
        Assert.Equal(1, grid.Upper.Sum() + grid.Infinite, 1e-12);
        Assert.InRange(grid.Lower.Sum(), 0.97, 0.991);
        Assert.InRange(grid.Upper[0], 0.008, 0.02);
    }

    private static double Delta(double[] masses, LossGrid grid, double epsilon, double infinite) =>
        infinite + masses.Select((mass, i) => mass * Math.Max(0, 1 - Math.Exp(epsilon - (grid.Origin + (i * grid.Step))))).Sum();
}
