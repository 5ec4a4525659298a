using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Mechanisms;
using FederatedDpLlm.Privacy.Tests.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Mechanisms;

public sealed class PermuteAndFlipTests
{
    // Over all 24 orders: the first whose coin, e^(-gap/beta), shows heads. False-alarm rate 2e-8 a row; seeded.
    [Theory, InlineData(NeighbouringRelation.ReplaceOne, 1, 2.0), InlineData(NeighbouringRelation.AddOrRemoveOne, 1, 1.0), InlineData(NeighbouringRelation.ReplaceOne, 3, 6.0)]
    public void A_choice_has_the_distribution_of_the_algorithm(NeighbouringRelation relation, long largestWeight, double beta)
    {
        long[] scores = [4, 7, 6, 2];
        var heads = scores.Select(score => Math.Exp((score - 7) / beta)).ToArray();
        var expected = new double[4];
        foreach (var order in Orders([0, 1, 2, 3]))
        {
            var passed = 1 / 24.0;
            foreach (var candidate in order)
            {
                expected[candidate] += passed * heads[candidate];
                passed *= 1 - heads[candidate];
            }
        }

        var choice = PermuteAndFlip.ForEpsilon(new(1), relation, largestWeight);
        var (random, observed) = (new SeededRandom(31), new long[4]);
        for (var i = 0; i < 200_000; i++)
        {
            observed[choice.Choose(scores, random)]++;
        }

        ChiSquared.AssertFits(observed, expected);
    }

    [Fact]
    public void It_costs_what_was_asked_for_and_never_more()
    {
        foreach (var epsilon in new[] { 0, 1e-9, 0.3, 1, 1e9 })
        {
            var released = (PermuteAndFlipEvent)PermuteAndFlip.ForEpsilon(new(epsilon), NeighbouringRelation.ReplaceOne).Event;
            Assert.Equal(NeighbouringRelation.ReplaceOne, released.Relation);
            Assert.InRange(released.Epsilon.Value, Math.Min(epsilon, 1 << 20) - 1e-12, Math.Min(epsilon, 1 << 20));
        }
    }

    [Fact]
    public void Any_scores_are_scores_and_none_are_refused()
    {
        var choice = PermuteAndFlip.ForEpsilon(new(1e9), NeighbouringRelation.ReplaceOne);
        Assert.Equal(2, choice.Choose([long.MinValue, 0, long.MaxValue], new SeededRandom(1)));
        Assert.Equal(0, choice.Choose([long.MinValue], new SeededRandom(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => choice.Choose([], new SeededRandom(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => PermuteAndFlip.ForEpsilon(new(1), NeighbouringRelation.ReplaceOne, 0));
    }

    private static IEnumerable<int[]> Orders(int[] candidates) => candidates.Length == 0
        ? [[]]
        : candidates.SelectMany(first => Orders([.. candidates.Where(other => other != first)]).Select(rest => (int[])[first, .. rest]));
}
