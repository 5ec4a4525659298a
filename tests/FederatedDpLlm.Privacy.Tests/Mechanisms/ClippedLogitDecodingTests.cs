using CsCheck;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Mechanisms;
using FederatedDpLlm.Privacy.Tests.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Mechanisms;

public sealed class ClippedLogitDecodingTests
{
    private static ClippedLogitDecoding Decoding(
        double epsilon = 4, int maxTokens = 128, int voters = 100, double temperature = 1, NeighbouringRelation relation = NeighbouringRelation.ReplaceOne) =>
        ClippedLogitDecoding.ForEpsilon(new(epsilon), new(1e-6), maxTokens, voters, temperature, relation);

    [Fact]
    public void An_answer_costs_no_more_than_was_asked_for_in_any_currency_that_promises_it() =>
        Gen.Select(Gen.Double[0.05, 20], Gen.Int[1, 500], Gen.Int[1, 200], Gen.Double[0.1, 2]).Sample((epsilon, tokens, voters, temperature) =>
        {
            var decoding = Decoding(epsilon, tokens, voters, temperature);
            var answer = decoding.Event(tokens);
            Assert.True(Currency.Basic(new(1e-6)).CostOf(answer) <= epsilon);
            Assert.True(ZeroConcentrated.RhoOf(answer) <= ZeroConcentrated.RhoFor(new(epsilon), new(1e-6)).Value);

            // No more of it is left unused than the grid of clip norms asks for; counted in rho, which both currencies must afford (few tokens cost less as pure ones).
            Assert.True(decoding.ClipNorm == 64 || ZeroConcentrated.RhoOf(answer) >= 0.98 * new BasicCurrency(new(1e-6)).RhoFor(new(epsilon)).Value);
        });

    [Fact]
    public void A_token_costs_what_the_design_says()
    {
        foreach (var (relation, factor) in new[] { (NeighbouringRelation.ReplaceOne, 2.0), (NeighbouringRelation.ReplaceByNothing, 0.5) })
        {
            var decoding = Decoding(voters: 20, temperature: 0.8, relation: relation);
            var expected = factor * decoding.ClipNorm * decoding.ClipNorm / (20 * 20 * 0.8 * 0.8);
            Assert.InRange(decoding.RhoPerToken.Value, expected, expected * (1 + 1e-9));
        }
    }

    [Fact]
    public void A_replaced_voter_halves_the_clip_norm_of_one_that_abstains() =>
        Assert.Equal(0.5, Decoding().ClipNorm / Decoding(relation: NeighbouringRelation.ReplaceByNothing).ClipNorm, 1e-6);

    [Fact]
    public void Each_voter_moves_each_sum_by_at_most_the_clip_norm_and_order_does_not_matter() =>
        Gen.Select(Gen.Float.Array[9], Gen.Float.Array[9], Gen.Float[-50, 50].Array[9]).Sample((first, second, reference) =>
        {
            var decoding = Decoding();
            var limit = (long)(decoding.ClipNorm * (1 << 24));
            long[] one = new long[9], other = new long[9];
            decoding.Add(first, reference, one);
            Assert.All(one, steps => Assert.InRange(steps, -limit, limit));
            decoding.Add(second, reference, one);
            decoding.Add(second, reference, other);
            decoding.Add(first, reference, other);
            Assert.Equal(one, other);
        });

    [Fact]
    public void A_missing_entry_counts_as_the_lowest_and_infinities_are_clipped()
    {
        var decoding = Decoding();
        var limit = (long)(decoding.ClipNorm * (1 << 24));
        var sum = new long[5];
        decoding.Add([float.NaN, float.PositiveInfinity, float.NegativeInfinity, 1, 1 + (1f / 1024)], [1, 1, 1, 1, 1], sum);
        Assert.Equal([-limit, limit, -limit, 0, 1 << 14], sum);
    }

    // False-alarm rate 2e-8, seeded.
    [Fact]
    public void Tokens_have_the_softmax_distribution_and_cut_candidates_never_come()
    {
        var decoding = Decoding(voters: 4, temperature: 0.7, epsilon: 20, maxTokens: 2);
        float[] reference = [1, 2, float.NegativeInfinity, 0, 1.5f, -60];
        float[] voter = [3, 2, 9, float.NaN, 1.25f, -60];
        var sum = new long[6];
        for (var i = 0; i < 4; i++)
        {
            decoding.Add(voter, reference, sum);
        }

        var random = new SeededRandom(11);
        var observed = new long[6];
        for (var i = 0; i < 200_000; i++)
        {
            observed[decoding.Sample(reference, sum, random)]++;
        }

        var weights = reference.Select((logit, i) => Math.Exp((logit + (sum[i] / 4.0 / (1 << 24))) / 0.7)).ToArray();
        Assert.Equal(0, observed[2]);
        ChiSquared.AssertFits(observed, weights.Select(weight => weight / weights.Sum()).ToArray());
    }

    // Whoever rents the buffers next on this thread finds nothing of the candidates' scores.
    [Fact]
    public void Scores_are_wiped_before_their_buffers_go_back()
    {
        var logits = Enumerable.Range(0, 500).Select(i => i / 100f).ToArray();
        Decoding().Sample(logits, new long[500], new SeededRandom(3));
        var (scores, cumulative) = (System.Buffers.ArrayPool<long>.Shared.Rent(500), System.Buffers.ArrayPool<UInt128>.Shared.Rent(500));
        Assert.All(scores, score => Assert.Equal(0, score));
        Assert.All(cumulative, weight => Assert.Equal(UInt128.Zero, weight));
        System.Buffers.ArrayPool<long>.Shared.Return(scores);
        System.Buffers.ArrayPool<UInt128>.Shared.Return(cumulative);
    }

    [Fact]
    public void What_cannot_be_sampled_is_refused()
    {
        var decoding = Decoding();
        Assert.Throws<ArgumentException>(() => decoding.Sample([float.NegativeInfinity], [0], new SeededRandom(1)));
        Assert.Throws<ArgumentException>(() => decoding.Sample([float.NaN, 1], [0, 0], new SeededRandom(1)));
        Assert.Throws<ArgumentException>(() => decoding.Sample([1, 2], [0], new SeededRandom(1)));
        Assert.Equal("random", Assert.Throws<ArgumentNullException>(() => decoding.Sample([1, 2], [0, 0], null!)).ParamName);
        Assert.Throws<ArgumentException>(() => decoding.Add([1, 2, 3], [1, 2], new long[2]));
        Assert.Throws<ArgumentException>(() => decoding.Add([1, 2], [1, 2], new long[3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => ClippedLogitDecoding.ForEpsilon(new(4), new(1e-6), 0, 10, 1, NeighbouringRelation.ReplaceOne));
        Assert.Throws<ArgumentOutOfRangeException>(() => ClippedLogitDecoding.ForEpsilon(new(4), new(1e-6), 10, 0, 1, NeighbouringRelation.ReplaceOne));
        Assert.Throws<ArgumentOutOfRangeException>(() => Decoding(temperature: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Decoding(epsilon: 0));
    }
}
