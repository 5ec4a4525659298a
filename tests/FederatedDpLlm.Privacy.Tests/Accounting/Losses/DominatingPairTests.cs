using CsCheck;
using FederatedDpLlm.Privacy.Accounting.Losses;
using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Tests.Accounting.Losses;

/// <summary>Every dominating pair against its outcomes: tails of the loss under both distributions, their ends, and delta as the sum of max(0, P - e^epsilon Q).</summary>
public sealed class DominatingPairTests
{
    private static readonly Gen<(double P, double Q)[]> Outcomes = Gen.Select(Gen.Double[0.05, 1], Gen.Double[0.05, 1]).Array[2, 6].Select(weights =>
    {
        var (p, q) = (weights.Sum(weight => weight.Item1), weights.Sum(weight => weight.Item2));
        return weights.Select(weight => (weight.Item1 / p, weight.Item2 / q)).ToArray();
    });

    private static readonly (double P, double Q)[] WithInfinities = [(0.5, 0.2), (0.2, 0.5), (0.2, 0.2), (0.1, 0), (0, 0.1)];

    [Fact]
    public void Atoms_have_their_tails() => Outcomes.Sample(outcomes =>
    {
        IsTheSame(Atoms(outcomes), outcomes);
        IsTheSame(Atoms(outcomes).Swapped(), [.. outcomes.Select(outcome => (outcome.Q, outcome.P))]);
        Assert.Same(Atoms(outcomes) is var pair ? pair : null, pair.Witness);
    }, iter: 100);

    [Fact]
    public void Sampled_atoms_have_the_tails_of_the_mixture() => Gen.Select(Outcomes, Gen.Double[0.01, 0.99]).Sample((outcomes, rate) =>
    {
        (double P, double Q)[] mixed = [.. outcomes.Select(outcome => (((1 - rate) * outcome.Q) + (rate * outcome.P), outcome.Q))];
        IsTheSame(new PoissonPair(Atoms(outcomes), rate), mixed);
        IsTheSame(new SwappedPair(new PoissonPair(Atoms(outcomes), rate)), [.. mixed.Select(outcome => (outcome.Q, outcome.P))]);
    }, iter: 100);

    [Fact]
    public void Masked_atoms_have_the_tails_of_what_is_seen() => Gen.Select(Outcomes, Gen.Double[0.01, 0.99]).Sample((outcomes, rate) =>
        IsTheSame(new MaskedPair(Atoms(outcomes), rate), [.. outcomes.Select(outcome => (rate * outcome.P, rate * outcome.Q)), (1 - rate, 1 - rate)]), iter: 100);

    [Fact]
    public void Outcomes_that_only_one_side_has_are_infinite_losses()
    {
        IsTheSame(Atoms(WithInfinities), WithInfinities);
        IsTheSame(new MaskedPair(Atoms(WithInfinities), 0.3), [.. WithInfinities.Select(outcome => (0.3 * outcome.P, 0.3 * outcome.Q)), (0.7, 0.7)]);
        IsTheSame(new PoissonPair(Atoms(WithInfinities), 0.3), [.. WithInfinities.Select(outcome => ((0.7 * outcome.Q) + (0.3 * outcome.P), outcome.Q))], ends: false);
        // What was cut off counts as lost.
        Assert.Equal(0.1 + 1e-3, new AtomicPair(WithInfinities.Select(outcome => new Masses(outcome.P, outcome.Q)), 1e-3).Above(double.PositiveInfinity).P, 1e-16);
        Assert.Equal((0, 0), (new AtomicPair([]).Smallest, new AtomicPair([]).Largest));
    }

    [Fact]
    public void The_worst_approximate_release_answers_truly_or_gives_everything_away()
    {
        var (yes, no) = (0.99 * Math.Exp(0.7) / (1 + Math.Exp(0.7)), 0.99 / (1 + Math.Exp(0.7)));
        IsTheSame(AtomicPair.OfApproximate(0.7, 0.01), [(yes, no), (no, yes), (0.01, 0), (0, 0.01)]);
        Assert.Equal(0.01, AtomicPair.OfApproximate(0.7, 0.01).DeltaAt(0.7), 1e-15);
    }

    [Fact]
    public void Integer_noise_against_its_shift_has_its_outcomes()
    {
        double Mass(long x) => Math.Abs(x) <= 6 ? Math.Exp(-0.2 * x * x) / 3.963 : 0;
        (double P, double Q)[] outcomes = [.. Enumerable.Range(-6, 15).Select(x => (Mass(x), Mass(x - 2)))];
        IsTheSame(AtomicPair.OfIntegerNoise(Mass, 6, 2, 0), outcomes);
        Assert.Equal(outcomes.Where(outcome => outcome.Q == 0).Sum(outcome => outcome.P) + 1e-7, AtomicPair.OfIntegerNoise(Mass, 6, 2, 1e-7).Above(double.PositiveInfinity).P, 1e-15);
    }

    // Losses k/4 lie on a lattice of 1/4; losses 0, 1 and sqrt 2 on none.
    [Fact]
    public void A_lattice_is_found_where_there_is_one()
    {
        static DominatingPair Of(params double[] losses) => new AtomicPair(losses.Select(loss => new Masses(Math.Exp(loss) / 100, 0.01)));
        Assert.Equal((0.25, true), (Math.Round(Of(-0.5, 0, 0.25, 1).Spacing, 12), Of(-0.5, 0, 0.25, 1).IsLattice));
        Assert.Equal((0.5, true), (Math.Round(Of(-0.5, 0, 1.5).Spacing, 12), Of(-0.5, 0, 1.5).IsLattice));
        Assert.False(Of(0, 1, Math.Sqrt(2)).IsLattice);
        Assert.Equal(Math.Sqrt(2), Of(0, 1, Math.Sqrt(2)).Spacing, 1e-12);
        Assert.True(Of(0.3).IsLattice && Of().IsLattice);
        Assert.Equal(0, Of(0.3).Spacing);
        Assert.Equal(3e-12, Of(-2, 1).Rounding, 1e-20);
    }

    [Fact]
    public void Laplace_noise_has_its_tails() => Gen.Select(Gen.Double[0.05, 5], Gen.Double[0.001, 0.999]).Sample((epsilon, part) =>
    {
        // At a noise of x between the two centres the loss is epsilon - 2 x, and it is larger to the left.
        var (pair, x) = (new LaplacePair(epsilon), epsilon * part);
        Is(new(1 - (0.5 * Math.Exp(-x)), 0.5 * Math.Exp(x - epsilon)), new(0.5 * Math.Exp(-x), 1 - (0.5 * Math.Exp(x - epsilon))), pair, epsilon - (2 * x));
        Is(default, new(1, 1), pair, epsilon);
        Is(new(1, 1), default, pair, Math.BitDecrement(-epsilon));
        Is(new(1 - (0.5 * Math.Exp(-epsilon)), 0.5), new(0.5 * Math.Exp(-epsilon), 0.5), pair, -epsilon);
        Assert.Equal((-epsilon, epsilon, 2 * epsilon), (pair.Smallest, pair.Largest, pair.Spacing));
        Assert.Equal(1e-14 * (1 + epsilon), pair.Rounding, 1e-25);
        Assert.Equal(1 - Math.Exp((part - 1) * epsilon / 2), pair.DeltaAt(part * epsilon), 1e-14);
        Assert.Equal(1 - Math.Exp(-1.5 * epsilon), pair.DeltaAt(-1.5 * epsilon), 1e-14);
        Assert.Equal((0, 0), (pair.DeltaAt(epsilon), pair.DeltaAt(2 * epsilon)));
    }, iter: 200);

    [Fact]
    public void A_bounded_range_has_the_tails_of_its_density_and_the_published_profile() => Gen.Select(Gen.Double[0.05, 5], Gen.Double[-0.999, 0.999]).Sample((eta, part) =>
    {
        // The density e^(x/2)/(4 sinh(eta/2)), and its mirror image; delta(x) = (1 - e^((x-eta)/2))^2/(1 - e^-eta).
        var (pair, x, scale) = (new BoundedRangePair(eta), eta * part, 2 * Math.Sinh(eta / 2));
        Is(new((Math.Exp(eta / 2) - Math.Exp(x / 2)) / scale, (Math.Exp(-x / 2) - Math.Exp(-eta / 2)) / scale), new((Math.Exp(x / 2) - Math.Exp(-eta / 2)) / scale, (Math.Exp(eta / 2) - Math.Exp(-x / 2)) / scale), pair, x);
        Is(default, new(1, 1), pair, eta);
        Is(new(1, 1), default, pair, -eta);
        Assert.Equal(Math.Pow(1 - Math.Exp((Math.Abs(x) - eta) / 2), 2) / (1 - Math.Exp(-eta)), pair.DeltaAt(Math.Abs(x)), 1e-13);
        Assert.Equal((-eta, eta, eta / 2), (pair.Smallest, pair.Largest, pair.Spacing));
        var likely = 1 / (1 + Math.Exp(-eta / 2));
        IsTheSame(pair.Witness, [(likely, 1 - likely), (1 - likely, likely)]);
        Assert.Equal(pair.Witness.DeltaAt(0.1), pair.Swapped().Witness.DeltaAt(0.1), 1e-15);
        Assert.IsType<PoissonPair>(new PoissonPair(pair, 0.5).Witness);
        Assert.Equal(0.5 * pair.Witness.DeltaAt(0), new PoissonPair(pair, 0.5).Witness.DeltaAt(0), 1e-15);
    }, iter: 200);

    [Fact]
    public void Gaussian_noise_has_its_tails() => Gen.Select(Gen.Double[0.05, 6], Gen.Double[-7, 7]).Sample((mu, z) =>
    {
        var pair = new GaussianPair(mu);
        Is(new(Normal.Above(z - mu), Normal.Above(z)), new(Normal.Cdf(z - mu), Normal.Cdf(z)), pair, mu * (z - (mu / 2)), 1e-11);
        Assert.Equal((double.NegativeInfinity, double.PositiveInfinity, 0, 0), (pair.Smallest, pair.Largest, pair.Spacing, pair.Rounding));
    }, iter: 200);

    // Flat on the left, steep on the right: the search for the point of a loss is kept between bounds.
    [Fact]
    public void A_loss_that_hardly_changes_for_long_is_found_where_it_is()
    {
        (double Mean, double Weight)[] upper = [(0, 1 - 1e-6), (5, 0.7e-6), (10, 0.3e-6)];
        var pair = new GaussianMixturePair(upper, [(0, 1)]);
        foreach (var z in new[] { 1, 2.5, 4, 6, 9, 15, 40 })
        {
            var loss = Math.Log(upper.Sum(part => part.Weight * Math.Exp((part.Mean * z) - (0.5 * part.Mean * part.Mean))));
            var above = pair.Above(loss);
            Assert.Equal(Normal.Above(z), above.Q, 1e-5 * Normal.Above(z));
            Assert.Equal(upper.Sum(part => part.Weight * Normal.Above(z - part.Mean)), above.P, 1e-5 * above.P);
        }

        Assert.Equal(Math.Log(1 + (1e-12 * (Math.Exp(31) - 1))), new PoissonPair(AtomicPair.OfApproximate(31, 0), 1e-12).Largest, 1e-10);
        Assert.Equal(Math.Log(1 + (1e-12 * (Math.Exp(29) - 1))), new PoissonPair(AtomicPair.OfApproximate(29, 0), 1e-12).Largest, 1e-10);
    }

    [Fact]
    public void Mixtures_of_Gaussians_have_the_tails_beyond_the_point_of_that_loss() => Gen.Select(Gen.Double[0.1, 4], Gen.Double[0.01, 0.99], Gen.Double[-5, 6], Gen.Int[0, 5]).Sample((mu, rate, z, kind) =>
    {
        ((double Mean, double Weight)[] upper, (double Mean, double Weight)[] lower) = kind switch
        {
            0 => (new[] { (0.0, 1 - rate), (mu, rate) }, new[] { (0.0, 1.0) }),
            1 => ([(0, 1 - rate), (mu / 2, rate)], [(0, 1 - rate), (-mu / 2, rate)]),
            2 => ([(0, 1 - rate), (mu, rate * 0.7), (2 * mu, rate * 0.3)], [(0, 1)]),
            3 => ([(mu, 1 - rate), (2 * mu, rate)], [(0, 1)]),
            4 => ([(mu, 1 - rate), (mu, rate), (5, 0)], [(0, 1)]),
            _ => ([(mu, 1)], [(0, 1 - rate), (mu, rate)]),
        };
        double Density((double Mean, double Weight)[] mixture) => mixture.Sum(part => part.Weight * Math.Exp(-0.5 * (z - part.Mean) * (z - part.Mean)));
        Masses Beyond(Func<double, double> tail) => new(upper.Sum(part => part.Weight * tail(z - part.Mean)), lower.Sum(part => part.Weight * tail(z - part.Mean)));
        var pair = new GaussianMixturePair(upper, lower);
        var loss = Math.Log(Density(upper) / Density(lower));
        // Where the loss hardly changes with z the point is not told to the last digits; nor are then the masses.
        if (loss > pair.Smallest + 1e-3 && loss < pair.Largest - 1e-3)
        {
            Is(Beyond(Normal.Above), Beyond(Normal.Cdf), pair, loss, 1e-9);
        }

        // Where both have a lowest (or highest) component in common, its weights' ratio is the end of the loss.
        Assert.Equal(kind is 0 or 2 ? Math.Log(1 - rate) : double.NegativeInfinity, pair.Smallest, (one, other) => one.Equals(other) || Math.Abs(one - other) < 1e-12);
        Assert.Equal(kind == 5 ? -Math.Log(rate) : double.PositiveInfinity, pair.Largest, (one, other) => one.Equals(other) || Math.Abs(one - other) < 1e-12);
        Assert.Equal((1, 1, default(Masses)), (pair.Above(double.NegativeInfinity) is var all ? Math.Round(all.P, 14) : 0, Math.Round(all.Q, 14), pair.Above(double.PositiveInfinity)));
    }, iter: 400);

    private static AtomicPair Atoms((double P, double Q)[] outcomes) => new(outcomes.Select(outcome => new Masses(outcome.P, outcome.Q)));

    private static void IsTheSame(DominatingPair pair, (double P, double Q)[] outcomes, bool ends = true)
    {
        var losses = outcomes.Where(outcome => outcome is { P: > 0, Q: > 0 }).Select(outcome => Math.Log(outcome.P / outcome.Q)).Order().ToArray();
        if (ends)
        {
            Assert.Equal((losses[0], losses[^1]), (pair.Smallest, pair.Largest), (one, other) => Math.Abs(one.Item1 - other.Item1) + Math.Abs(one.Item2 - other.Item2) < 1e-11);
        }

        foreach (var loss in losses.Zip(losses.Skip(1), (left, right) => right - left > 1e-6 ? (left + right) / 2 : losses[0] - 1).Append(losses[^1] + 1).Append(losses[0] - 1))
        {
            static double Loss((double P, double Q) outcome) => outcome.Q == 0 ? double.PositiveInfinity : Math.Log(outcome.P / outcome.Q);
            var (above, below) = (outcomes.Where(outcome => Loss(outcome) > loss).ToArray(), outcomes.Where(outcome => Loss(outcome) <= loss).ToArray());
            Is(new(above.Sum(outcome => outcome.P), above.Sum(outcome => outcome.Q)), new(below.Sum(outcome => outcome.P), below.Sum(outcome => outcome.Q)), pair, loss);
        }

        foreach (var epsilon in new[] { -1.3, -0.2, 0, 0.3, 1.1, 4 })
        {
            Assert.Equal(outcomes.Sum(outcome => Math.Max(0, outcome.P - (Math.Exp(epsilon) * outcome.Q))), pair.DeltaAt(epsilon), 1e-13);
        }

        Assert.Equal(outcomes.Where(outcome => outcome.Q == 0).Sum(outcome => outcome.P), pair.Above(double.PositiveInfinity).P, 1e-15);
    }

    private static void Is(Masses above, Masses below, DominatingPair pair, double loss, double tolerance = 1e-12)
    {
        Near(above, pair.Above(loss));
        Near(below, pair.Below(loss));
        var tails = pair.Tails(loss);
        Near(above, tails.Above);
        Near(below, tails.Below);

        void Near(Masses expected, Masses actual)
        {
            Assert.True(Math.Abs(expected.P - actual.P) <= tolerance * Math.Max(1e-3, expected.P), $"P {expected.P:R}, not {actual.P:R} at {loss:R}");
            Assert.True(Math.Abs(expected.Q - actual.Q) <= tolerance * Math.Max(1e-3, expected.Q), $"Q {expected.Q:R}, not {actual.Q:R} at {loss:R}");
        }
    }
}
