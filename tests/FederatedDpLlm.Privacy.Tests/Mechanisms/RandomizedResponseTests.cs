using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Mechanisms;
using FederatedDpLlm.Privacy.Tests.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Mechanisms;

public sealed class RandomizedResponseTests
{
    [Theory, InlineData(0.01, 2), InlineData(1.0, 2), InlineData(1.0, 10), InlineData(8.0, 4), InlineData(30.0, 2)]
    public void Nobody_pays_more_than_was_asked_for(double epsilon, int buckets)
    {
        foreach (var relation in new[] { NeighbouringRelation.ReplaceOne, NeighbouringRelation.ReplaceByNothing })
        {
            var response = RandomizedResponse.ForEpsilon(new(epsilon), buckets, relation);
            Assert.InRange(response.Epsilon.Value, epsilon * 0.99, epsilon);
        }

        // Kairouz, Oh, Viswanath, section 4.2: the truth has weight e^epsilon, every other answer 1.
        var noise = buckets / (buckets + Math.Exp(epsilon) - 1);
        Assert.Equal(noise, RandomizedResponse.ForEpsilon(new(epsilon), buckets, NeighbouringRelation.ReplaceOne).NoiseProbability, noise * 1e-3);
    }

    // False-alarm rate 2e-8.
    [Fact]
    public void Answers_have_the_distribution_of_the_event()
    {
        var response = RandomizedResponse.ForEpsilon(new(1), 4, NeighbouringRelation.ReplaceOne);
        var answers = Enumerable.Repeat(2, 200_000).ToArray();
        response.Respond(answers, answers, new SeededRandom(1));
        var observed = new long[4];
        Array.ForEach(answers, answer => observed[answer]++);
        var other = 1 / (Math.E + 3);
        ChiSquared.AssertFits(observed, [other, other, Math.E * other, other]);
    }

    // Each estimate within 5.5 of its standard deviations, at most sqrt(n)/2/(1 - noise).
    [Fact]
    public void Counts_are_estimated_without_bias()
    {
        var response = RandomizedResponse.ForEpsilon(new(2), 3, NeighbouringRelation.ReplaceOne);
        var truths = Enumerable.Range(0, 100_000).Select(i => i % 10 < 6 ? 0 : i % 10 < 9 ? 1 : 2).ToArray();
        var answers = new int[truths.Length];
        response.Respond(truths, answers, new SeededRandom(3));
        var estimates = response.EstimateTruths([.. Enumerable.Range(0, 3).Select(bucket => answers.LongCount(answer => answer == bucket))]);
        var allowed = 5.5 * Math.Sqrt(truths.Length) / 2 / (1 - response.NoiseProbability);
        Assert.InRange(estimates[0], 60_000 - allowed, 60_000 + allowed);
        Assert.InRange(estimates[1], 30_000 - allowed, 30_000 + allowed);
        Assert.Equal(100_000, estimates.Sum(), 1e-6);
    }

    // A promise that some noise on the grid costs exactly is kept by that noise.
    [Theory, InlineData(0.1, 2), InlineData(1, 5), InlineData(9, 40)]
    public void A_promise_that_is_met_exactly_needs_no_more_noise(double epsilon, int buckets)
    {
        var once = RandomizedResponse.ForEpsilon(new(epsilon), buckets, NeighbouringRelation.ReplaceOne);
        Assert.InRange(RandomizedResponse.ForEpsilon(once.Epsilon, buckets, NeighbouringRelation.ReplaceOne).NoiseProbability, 0, once.NoiseProbability);
    }

    [Fact]
    public void Without_epsilon_every_answer_is_noise()
    {
        var response = RandomizedResponse.ForEpsilon(default, 2, NeighbouringRelation.ReplaceOne);
        Assert.Equal(1, response.NoiseProbability);
        Assert.Equal(0, response.Epsilon.Value);
        Assert.Throws<InvalidOperationException>(() => response.EstimateTruths([1, 2]));
    }

    // The same randomness on another truth: the same number of draws, and noise is the same noise.
    [Fact]
    public void Draws_do_not_depend_on_the_truth()
    {
        var response = RandomizedResponse.ForEpsilon(new(1), 5, NeighbouringRelation.ReplaceOne);
        for (ulong seed = 0; seed < 300; seed++)
        {
            var (one, other) = (new SeededRandom(seed), new SeededRandom(seed));
            var (first, second) = (response.Respond(0, one), response.Respond(4, other));
            Assert.True(first == second || (first, second) == (0, 4));
            Assert.Equal(one.Draws, other.Draws);
        }
    }

    [Fact]
    public void What_is_no_answer_is_refused()
    {
        var response = RandomizedResponse.ForEpsilon(new(1), 5, NeighbouringRelation.ReplaceOne);
        Assert.Throws<ArgumentOutOfRangeException>(() => response.Respond(5, new SeededRandom(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => response.Respond(-1, new SeededRandom(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => response.Respond(new int[2], new int[3], new SeededRandom(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => response.EstimateTruths([1, 2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => RandomizedResponse.ForEpsilon(new(31), 5, NeighbouringRelation.ReplaceOne));
        Assert.Throws<ArgumentOutOfRangeException>(() => RandomizedResponse.ForEpsilon(new(1), 1, NeighbouringRelation.ReplaceOne));
        Assert.Throws<ArgumentException>(() => RandomizedResponse.ForEpsilon(new(1), 5, NeighbouringRelation.AddOrRemoveOne));
    }
}
