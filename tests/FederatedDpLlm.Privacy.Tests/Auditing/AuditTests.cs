using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Auditing;
using FederatedDpLlm.Privacy.Mechanisms;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.Privacy.Tests.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Auditing;

/// <summary>The auditor must pass what is right, catch what is broken, and come near the truth. Significance 1e-7 a claim, about 40 claims; sources are seeded.</summary>
public sealed class AuditTests
{
    private const NeighbouringRelation Add = NeighbouringRelation.AddOrRemoveOne;
    private const double Significance = 1e-7;

    public static TheoryData<string> Faults() => [.. Control.All.Select(control => control.Fault)];

    [Theory, MemberData(nameof(Faults))]
    public void A_broken_mechanism_is_caught_and_the_right_one_passes(string fault)
    {
        var control = Control.All.Single(control => control.Fault == fault);
        Assert.InRange(Audit(control.Right, control.Delta, 60_000), 0, control.Epsilon.Value);
        Assert.True(Audit(control.Broken, control.Delta, 60_000) > control.Epsilon.Value, fault);
    }

    // Section "for tight mechanisms at least 80 % of the claim at delta 0.1 to 0.01": 2 million runs on each of two neighbours.
    [Theory, InlineData(0.01), InlineData(0.1)]
    public void The_audit_finds_four_fifths_of_what_Gaussian_noise_loses(double delta)
    {
        var mechanism = GaussianMechanism.OfNoiseMultiplier(1, new(1, Add), 1);
        var claim = PrivacyLoss.EpsilonAt(mechanism.Event, new(delta)).Upper;
        Assert.InRange(Audit((neighbour, random) => Release(mechanism, neighbour ? 1 : 0, random), new(delta), 2_000_000), 0.8 * claim, claim);
    }

    [Theory, InlineData(0.0), InlineData(0.1)]
    public void The_audit_finds_four_fifths_of_what_Laplace_noise_loses(double delta)
    {
        var mechanism = LaplaceMechanism.ForEpsilon(new(1), new(1, Add));
        var claim = delta == 0 ? 1 : PrivacyLoss.EpsilonAt(mechanism.Event, new(delta)).Upper;
        Assert.InRange(Audit((neighbour, random) => mechanism.Release(neighbour ? 1 : 0, random), new(delta), 2_000_000), 0.8 * claim, claim);
    }

    [Fact]
    public void The_audit_finds_four_fifths_of_what_a_choice_and_a_response_lose()
    {
        // A candidate that is far behind gains a factor of almost e^epsilon.
        var choice = ExponentialMechanism.ForEpsilon(new(1), NeighbouringRelation.ReplaceOne);
        Assert.InRange(Audit((neighbour, random) => choice.Choose(neighbour ? [1, 5] : [0, 6], random), default, 1_000_000), 0.8, 1);
        var flip = PermuteAndFlip.ForEpsilon(new(1), NeighbouringRelation.ReplaceOne);
        Assert.InRange(Audit((neighbour, random) => flip.Choose(neighbour ? [1, 5] : [0, 6], random), default, 1_000_000), 0.8, 1);
        var response = RandomizedResponse.ForEpsilon(new(1), 4, NeighbouringRelation.ReplaceOne);
        Assert.InRange(Audit((neighbour, random) => response.Respond(neighbour ? 1 : 0, random), default, 1_000_000), 0.8, 1);
    }

    [Fact]
    public void Without_evidence_nothing_is_refuted()
    {
        Assert.Equal(0, Audit((_, random) => random.GetHashCode() & 0, default, 1000));
        Assert.Equal(0, HockeyStickAudit.EpsilonLowerBound([1, 2, 3, 4], [5, 6, 7, 8], default, 0.01));
        Assert.Throws<ArgumentOutOfRangeException>(() => HockeyStickAudit.EpsilonLowerBound([1, 2, 3], [5, 6, 7, 8], default, 0.01));
    }

    // The certain end: with all scores apart, n test runs a side show ln of about n / ln(2/significance).
    [Fact]
    public void Inputs_that_are_told_apart_every_time_refute_what_their_number_can()
    {
        var (first, second) = (Enumerable.Range(0, 20_000).Select(i => (double)i).ToArray(), Enumerable.Range(0, 20_000).Select(i => -1.0 - i).ToArray());
        var expected = Math.Log(Math.Pow(0.005, 1e-4) / (1 - Math.Pow(0.005, 1e-4)));
        Assert.Equal(expected, HockeyStickAudit.EpsilonLowerBound(first, second, default, 0.01), 0.6);
        Assert.Equal(expected, HockeyStickAudit.EpsilonLowerBound(second, first, default, 0.01), 0.6);
    }

    [Theory, InlineData(0, 10), InlineData(3, 10), InlineData(10, 10), InlineData(700, 1000)]
    public void Confidence_bounds_surround_the_rate_and_miss_as_often_as_they_say(long successes, long trials)
    {
        var (low, high) = (Binomial.LowerBound(successes, trials, 0.01), Binomial.UpperBound(successes, trials, 0.01));
        Assert.InRange(successes / (double)trials, low, high);
        if (successes > 0 && successes < trials)
        {
            Assert.Equal(0.01, Binomial.AtLeast(successes, trials, low), 1e-9);
            Assert.Equal(0.01, Binomial.AtMost(successes, trials, high), 1e-9);
        }
        else
        {
            // Nothing or everything: 0.01 = (1 - p)^n, in closed form.
            var closed = Math.Pow(0.01, 1.0 / trials);
            Assert.Equal(successes == 0 ? 1 - closed : 1, high, 1e-9);
            Assert.Equal(successes == 0 ? 0 : closed, low, 1e-9);
        }
    }

    [Fact]
    public void Binomial_tails_are_those_of_counting()
    {
        // n 5, p 0.3: 0.16807, 0.36015, 0.3087, 0.1323, 0.02835, 0.00243.
        double[] mass = [0.16807, 0.36015, 0.3087, 0.1323, 0.02835, 0.00243];
        for (var k = -1; k <= 6; k++)
        {
            Assert.Equal(k is >= 0 and <= 5 ? mass[k] : 0, Binomial.Probability(k, 5, 0.3), 1e-12);
            Assert.Equal(mass.Skip(Math.Max(0, k)).Sum(), Binomial.AtLeast(k, 5, 0.3), 1e-12);
            Assert.Equal(mass.Take(k + 1).Sum(), Binomial.AtMost(k, 5, 0.3), 1e-12);
        }

        Assert.Equal((1, 0, 1, 0), (Binomial.Probability(0, 5, 0), Binomial.Probability(1, 5, 0), Binomial.Probability(5, 5, 1), Binomial.Probability(4, 5, 1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Binomial.UpperBound(1, 0, 0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Binomial.UpperBound(-1, 2, 0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Binomial.LowerBound(3, 2, 0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Binomial.LowerBound(1, 2, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Binomial.UpperBound(1, 2, 1));
    }

    internal static double Release(GaussianMechanism mechanism, double value, ISecureRandom random)
    {
        Span<double> noisy = [value];
        mechanism.Release(noisy, noisy, random);
        return noisy[0];
    }

    private static double Audit(Func<bool, ISecureRandom, double> mechanism, Delta delta, int runs)
    {
        var random = new SeededRandom(77);
        double[] first = new double[runs], second = new double[runs];
        for (var i = 0; i < runs; i++)
        {
            (first[i], second[i]) = (mechanism(false, random), mechanism(true, random));
        }

        return HockeyStickAudit.EpsilonLowerBound(first, second, delta, Significance);
    }
}
