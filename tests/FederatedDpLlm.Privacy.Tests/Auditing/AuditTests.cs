using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Auditing;
using FederatedDpLlm.Privacy.Mechanisms;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.Privacy.Tests.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Auditing;

/// <summary>The auditor must pass what is right and catch what is broken. Significance 1e-6 a claim; sources are seeded.</summary>
public sealed class AuditTests
{
    private const NeighbouringRelation Replace = NeighbouringRelation.ReplaceOne;
    private const double Significance = 1e-6;
    private const int Runs = 100_000;

    private static double Audit(Func<bool, ISecureRandom, double> mechanism, double delta = 0)
    {
        var random = new SeededRandom(77);
        double[] first = new double[Runs], second = new double[Runs];
        for (var i = 0; i < Runs; i++)
        {
            (first[i], second[i]) = (mechanism(false, random), mechanism(true, random));
        }

        return HockeyStickAudit.EpsilonLowerBound(first, second, new(delta), Significance);
    }

    [Fact]
    public void Right_mechanisms_pass_and_the_audit_is_sharp()
    {
        var laplace = LaplaceMechanism.ForEpsilon(new(1), new(1, Replace));
        Assert.InRange(Audit((neighbour, random) => laplace.Release(neighbour ? 1 : 0, random)), 0.8, 1);

        // Both options swap their votes' lead: the worst pair for a replaced voter.
        var choice = ExponentialMechanism.ForEpsilon(new(1), Replace);
        Assert.InRange(Audit((neighbour, random) => choice.Choose(neighbour ? [10, 11] : [11, 10], random)), 0.4, 1);

        var gaussian = GaussianMechanism.ForRho(new(0.5), new(1, Replace), 1);
        var claim = PrivacyLoss.EpsilonAt(new GaussianEvent(1, Replace), new(0.01)).Upper;
        Assert.InRange(Audit((neighbour, random) => Release(gaussian, neighbour ? 1 : 0, random), 0.01), 0.75 * claim, claim);
    }

    public static TheoryData<string> Broken() => ["noise halved", "sensitivity wrong", "count ignored", "clip missing", "fixed seed", "weight too large", "voter counted twice", "noise shared"];

    [Theory, MemberData(nameof(Broken))]
    public void Broken_mechanisms_are_caught(string fault)
    {
        const double Claim = 1;
        var right = LaplaceMechanism.ForEpsilon(new(Claim), new(1, Replace));
        var halved = LaplaceMechanism.ForEpsilon(new(2 * Claim), new(1, Replace));
        var choice = ExponentialMechanism.ForEpsilon(new(Claim), Replace);
        Func<bool, ISecureRandom, double> mechanism = fault switch
        {
            "noise halved" => (neighbour, random) => halved.Release(neighbour ? 1 : 0, random),
            "sensitivity wrong" => (neighbour, random) => right.Release(neighbour ? 2 : 0, random),
            "count ignored" => (neighbour, random) => Math.Min(right.Release(neighbour ? 1 : 0, random), 8) + (100 * Math.Clamp(right.Release(neighbour ? 1 : 0, random), 0, 1)),
            "clip missing" => (neighbour, random) => right.Release(neighbour ? 25 : 0, random),
            "fixed seed" => (neighbour, _) => right.Release(neighbour ? 1 : 0, new SeededRandom(1)),
            "weight too large" => (neighbour, random) => choice.Choose(neighbour ? [10, 15] : [15, 10], random),
            "voter counted twice" => (neighbour, random) => choice.Choose(neighbour ? [9, 12] : [12, 9], random),
            "noise shared" => (neighbour, random) => right.Release(0, random) is var noise ? (neighbour ? 1 + noise : noise) - noise : 0,
            _ => throw new InvalidOperationException(fault),
        };
        Assert.True(Audit(mechanism) > Claim, fault);
    }

    [Fact]
    public void The_grey_box_sees_the_same_draws_and_no_larger_distance_on_neighbours()
    {
        // The same randomness on two inputs: noise must be identical, so outputs differ by exactly what the sensitivity allows.
        var laplace = LaplaceMechanism.ForEpsilon(new(0.5), new(3, Replace));
        for (ulong seed = 0; seed < 200; seed++)
        {
            var (one, other) = (new SeededRandom(seed), new SeededRandom(seed));
            Assert.Equal(3, laplace.Release(103, one) - laplace.Release(100, other));
            Assert.Equal(one.Draws, other.Draws);
        }
    }

    [Fact]
    public void One_run_with_a_leaking_training_refutes_its_claim()
    {
        Assert.True(OneRunAudit.EpsilonLowerBound(1000, 200, 195, new(1e-5), 0.01) > 2);
        Assert.Equal(0, OneRunAudit.EpsilonLowerBound(1000, 200, 104, new(1e-5), 0.01));
        Assert.True(OneRunAudit.PValue(1000, 100, 50, new(1), default) > 0.5);
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
    }

    private static double Release(GaussianMechanism mechanism, double value, ISecureRandom random)
    {
        Span<double> noisy = stackalloc double[1];
        mechanism.Release([value], noisy, random);
        return noisy[0];
    }
}
