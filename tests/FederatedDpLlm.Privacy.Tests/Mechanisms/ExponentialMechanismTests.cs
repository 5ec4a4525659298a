using CsCheck;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Mechanisms;
using FederatedDpLlm.Privacy.Tests.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Mechanisms;

public sealed class ExponentialMechanismTests
{
    [Theory, InlineData(1.0), InlineData(0.1), InlineData(4.0), InlineData(1e-9), InlineData(1e9)]
    public void Nobody_pays_more_than_the_epsilon_that_was_asked_for(double epsilon)
    {
        foreach (var relation in Enum.GetValues<NeighbouringRelation>())
        {
            var choice = ExponentialMechanism.ForEpsilon(new(epsilon), relation);
            Assert.InRange(choice.Epsilon.Value, 0, epsilon);
            Assert.Equal(choice.Eta, PureDp.EpsilonOf(choice.Event));
            Assert.Equal(choice.Eta * choice.Eta / 8, choice.Rho.Value, 1e-12 * choice.Rho.Value);
            Assert.Equal(relation, choice.Event.Relation);
        }
    }

    [Fact]
    public void A_replaced_voter_needs_twice_the_noise_of_one_that_abstains()
    {
        var replaced = ExponentialMechanism.ForEpsilon(new(0.5), NeighbouringRelation.ReplaceOne);
        var abstaining = ExponentialMechanism.ForEpsilon(new(0.5), NeighbouringRelation.ReplaceByNothing);
        Assert.Equal(4.0, replaced.Beta);
        Assert.Equal(2.0, abstaining.Beta);
        Assert.Equal(12.0, ExponentialMechanism.ForEpsilon(new(0.5), NeighbouringRelation.ReplaceOne, largestWeight: 3).Beta);
    }

    // False-alarm rate 2e-8 (and the source is seeded: a pass stays a pass).
    [Theory, InlineData(1.0, 1), InlineData(0.25, 2), InlineData(8.0, 3)]
    public void A_choice_has_exactly_the_exponential_distribution(double epsilon, ulong seed)
    {
        long[] scores = [7, 5, 5, 0, 6, -3, 7];
        var choice = ExponentialMechanism.ForEpsilon(new(epsilon), NeighbouringRelation.ReplaceOne);
        var random = new SeededRandom(seed);
        var observed = new long[scores.Length];
        for (var i = 0; i < 200_000; i++)
        {
            observed[choice.Choose(scores, random)]++;
        }

        var weights = scores.Select(score => Math.Exp((score - 7) / choice.Beta)).ToArray();
        ChiSquared.AssertFits(observed, weights.Select(weight => weight / weights.Sum()).ToArray());
    }

    [Fact]
    public void Scores_at_the_ends_of_the_integers_are_scores_like_any_other()
    {
        var choice = ExponentialMechanism.ForEpsilon(new(1e9), NeighbouringRelation.ReplaceOne);
        Assert.Equal(1, choice.Choose([long.MinValue, long.MaxValue, 0], new SeededRandom(5)));
        Assert.Equal(0, choice.Choose([long.MinValue], new SeededRandom(5)));
    }

    [Fact]
    public void Without_epsilon_the_choice_is_uniform_and_free()
    {
        var choice = ExponentialMechanism.ForEpsilon(new(0), NeighbouringRelation.ReplaceOne);
        var random = new SeededRandom(9);
        var observed = new long[4];
        for (var i = 0; i < 40_000; i++)
        {
            observed[choice.Choose([1000, 0, 0, 0], random)]++;
        }

        ChiSquared.AssertFits(observed, [0.25, 0.25, 0.25, 0.25]);
        Assert.Equal(0, choice.Rho.Value);
    }

    [Fact]
    public void No_candidates_and_no_weight_are_refused()
    {
        var choice = ExponentialMechanism.ForEpsilon(new(1), NeighbouringRelation.ReplaceOne);
        Assert.Throws<ArgumentOutOfRangeException>(() => choice.Choose([], new SeededRandom(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => ExponentialMechanism.ForEpsilon(new(1), NeighbouringRelation.ReplaceOne, 0));
    }

    [Fact]
    public void Neighbouring_counts_change_no_choice_by_more_than_epsilon() =>
        Gen.Select(Gen.Long[0, 50].Array[2, 6], Gen.Int[0, 5], Gen.Int[0, 5], Gen.Double[0.01, 5]).Sample((counts, from, to, epsilon) =>
        {
            var choice = ExponentialMechanism.ForEpsilon(new(epsilon), NeighbouringRelation.ReplaceOne);
            var neighbour = counts.ToArray();
            neighbour[from % counts.Length]--;
            neighbour[to % counts.Length]++;
            var (p, q) = (Probabilities(counts, choice.Beta), Probabilities(neighbour, choice.Beta));
            Assert.All(p.Zip(q), pair => Assert.True(Math.Abs(Math.Log(pair.First / pair.Second)) <= choice.Eta + 1e-12));
        });

    private static double[] Probabilities(long[] scores, double beta)
    {
        var weights = scores.Select(score => Math.Exp((score - scores.Max()) / beta)).ToArray();
        return [.. weights.Select(weight => weight / weights.Sum())];
    }
}
