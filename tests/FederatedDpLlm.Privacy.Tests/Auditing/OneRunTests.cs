using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Calibration;
using FederatedDpLlm.Privacy.Auditing;
using FederatedDpLlm.Privacy.Mechanisms;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.Privacy.Tests.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Auditing;

/// <summary>A training audited by one run: 1,000 canaries, each with a gradient direction of its own, in or out by a coin. Significance 1e-6 a claim.</summary>
public sealed class OneRunTests
{
    private const int Canaries = 1000;
    private const int Steps = 20;
    private static readonly Delta Delta = new(1e-10);

    [Fact]
    public void A_training_with_its_noise_passes_and_the_bound_is_no_trifle()
    {
        var (claim, bound) = Train(new(1), noise: 1, clip: true, fresh: true);
        Assert.InRange(bound, 0, claim);

        // At epsilon 8 the audit sees a fair part of the loss.
        (claim, bound) = Train(new(8), noise: 1, clip: true, fresh: true);
        Assert.InRange(bound, 0.15 * claim, claim);
    }

    [Theory, InlineData("noise too small"), InlineData("clip missing"), InlineData("noise drawn once"), InlineData("no noise")]
    public void A_broken_training_refutes_its_claim(string fault)
    {
        var (claim, bound) = fault switch
        {
            "noise too small" => Train(new(1), noise: 0.1, clip: true, fresh: true),
            "clip missing" => Train(new(1), noise: 1, clip: false, fresh: true),
            "noise drawn once" => Train(new(1), noise: 1, clip: true, fresh: false),
            _ => Train(new(1), noise: 1e-9, clip: true, fresh: true),
        };
        Assert.True(bound > claim, $"{bound} is not above {claim}");
    }

    [Fact]
    public void The_probability_that_guesses_are_right_is_that_of_the_theorem()
    {
        // Without delta: at least 3 right of 4 at epsilon ln 3 (each right with 3/4): 4 (3/4)^3/4 + (3/4)^4.
        Assert.Equal(0.73828125, OneRunAudit.PValue(10, 4, 3, new(Math.Log(3)), default), 1e-12);
        Assert.True(OneRunAudit.EpsilonLowerBound(1000, 200, 195, new(1e-5), 0.01) > 2);
        Assert.Equal(0, OneRunAudit.EpsilonLowerBound(1000, 200, 104, new(1e-5), 0.01));
        Assert.Equal(1, OneRunAudit.PValue(1000, 100, 50, new(1), new(0.5)));
        Assert.True(OneRunAudit.PValue(1000, 100, 80, new(1), new(1e-4)) > OneRunAudit.PValue(1000, 100, 80, new(1), default));

        // The bound is where the p-value crosses the significance.
        var bound = OneRunAudit.EpsilonLowerBound(1000, 100, 95, new(1e-5), 0.01);
        Assert.Equal(0.01, OneRunAudit.PValue(1000, 100, 95, new(bound), new(1e-5)), 1e-6);
        Assert.Throws<ArgumentOutOfRangeException>(() => OneRunAudit.PValue(10, 11, 1, default, default));
        Assert.Throws<ArgumentOutOfRangeException>(() => OneRunAudit.PValue(10, 5, 6, default, default));
        Assert.Throws<ArgumentOutOfRangeException>(() => OneRunAudit.PValue(10, 5, -1, default, default));
    }

    [Fact]
    public void Coins_that_no_training_saw_refute_nothing()
    {
        var random = new SeededRandom(3);
        var included = Enumerable.Range(0, Canaries).Select(_ => random.NextDouble() < 0.5).ToArray();
        var scores = included.Select(_ => random.NextDouble()).ToArray();
        Assert.Equal(0, CanaryGuesses.EpsilonLowerBound(scores, included, Delta, 1e-6));
        Assert.Throws<ArgumentOutOfRangeException>(() => CanaryGuesses.EpsilonLowerBound(scores, included[..5], Delta, 1e-6));
    }

    // Every canary's direction is orthogonal to the others', so the sum of its noisy gradients is its score.
    private static (double Claim, double Bound) Train(Epsilon epsilon, double noise, bool clip, bool fresh)
    {
        var sensitivity = new L2Sensitivity(1, NeighbouringRelation.AddOrRemoveOne);
        var multiplier = NoiseCalibration.GaussianSigma(epsilon, Delta, 1) * Math.Sqrt(Steps);
        var step = VectorGaussianMechanism.OfNoiseMultiplier(noise * multiplier, sensitivity, Canaries);
        var claim = PrivacyLoss.EpsilonAt(GaussianMechanism.OfNoiseMultiplier(multiplier, sensitivity, 1).Event.Times(Steps), Delta).Upper;
        var random = new SeededRandom(41);
        var included = Enumerable.Range(0, Canaries).Select(_ => random.NextDouble() < 0.5).ToArray();
        var scores = new double[Canaries];
        for (var i = 0; i < Steps; i++)
        {
            double[] gradient = [.. included.Select(isIn => isIn ? (clip ? 1.0 : 15) : 0)];
            step.Release(gradient, fresh ? random : new SeededRandom(2));
            scores = [.. scores.Zip(gradient, (sum, one) => sum + one)];
        }

        if (!fresh)
        {
            // Who knows the noise of one step, as from a step without data, takes it away from all.
            var known = new double[Canaries];
            step.Release(known, new SeededRandom(2));
            scores = [.. scores.Zip(known, (sum, one) => sum - (Steps * one))];
        }

        return (claim, CanaryGuesses.EpsilonLowerBound(scores, included, Delta, 1e-6));
    }
}
