using CsCheck;
using FederatedDpLlm.SecureAggregation.Robust;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Robust;

/// <summary>
/// What the rules' theorems promise, for attackers that know everything: honest vectors lie in a box around a centre, attackers send whatever a case draws.
/// Beside each promise stands the mean, which one attacker moves anywhere.
/// </summary>
public sealed class RobustRuleTests
{
    private const int Length = 12;

    // Far away, just outside, inside but all on one side, all the same, huge.
    private static readonly float[] AttackScales = [0, 1.5f, 4, 100, 1e6f, 1e30f];

    [Fact]
    public void Median_and_trimmed_mean_stay_within_the_honest_values_of_every_coordinate() => ForAttacks(least: f => (2 * f) + 1, (vectors, honest, f) =>
    {
        AssertWithin(new CoordinateMedian().Combine(vectors).Required, honest, slack: 0);
        AssertWithin(new TrimmedMean(f).Combine(vectors).Required, honest, slack: 0);
    });

    [Fact]
    public void Bulyan_stays_within_one_honest_spread_of_the_honest_values_of_every_coordinate() => ForAttacks(least: f => (4 * f) + 3, (vectors, honest, f) =>
        // Of the chosen n - 2f at least n - 3f are honest and within a spread of the median, so the n - 4f nearest to the median are.
        AssertWithin(new Bulyan(f).Combine(vectors).Required, honest, slack: 1));

    [Fact]
    public void What_Krum_chooses_is_no_farther_from_an_honest_vector_than_its_theorem_allows() => ForAttacks(least: f => (2 * f) + 3, (vectors, honest, f) =>
    {
        // An honest vector's n - f - 2 nearest are within the honest diameter D, so the best score is at most (n - f - 2) D^2; the chosen vector has an honest
        // one among its n - f - 2 nearest (there are at most f - 1 other attackers), at no more than its score.
        var chosen = vectors[new Krum(f).Choose(vectors)[0]];
        var diameter = honest.SelectMany(one => honest.Select(other => VectorMath.SquaredDistance(one.Span, other.Span))).Max();
        Assert.True(honest.Min(one => VectorMath.SquaredDistance(one.Span, chosen.Span)) <= (vectors.Count - f - 2) * diameter * (1 + 1e-9));
    });

    [Fact]
    public void Krum_and_multi_Krum_choose_honest_vectors_where_attackers_are_far() =>
        Gen.Select(Gen.Int[1, 4], Gen.Int[0, 5], Gen.Long).Sample(
            (f, extra, seed) =>
            {
                var count = (2 * f) + 3 + extra;
                var vectors = Honest(count, seed);
                for (var i = 0; i < f; i++)
                {
                    vectors[i] = Enumerable.Repeat(1000f * (i + 1), Length).ToArray();
                }

                Assert.InRange(new Krum(f).Choose(vectors)[0], f, count - 1);
                Assert.All(new Krum(f, count - (2 * f) - 2).Choose(vectors), place => Assert.InRange(place, f, count - 1));
                Assert.False(IsWithin(VectorMath.Mean(vectors), [.. vectors.Skip(f)], slack: 10));
            },
            iter: 200);

    [Fact]
    public void The_geometric_median_stays_within_its_breakdown_bound() => ForAttacks(least: f => (2 * f) + 1, (vectors, honest, f) =>
    {
        // Minsker, Bernoulli 2015, Lemma 2.1: with a fraction a of attackers, at most 2 (1 - a) / (1 - 2a) times the honest radius away, and the smoothing more.
        var centre = VectorMath.Mean(honest);
        var radius = honest.Max(one => Math.Sqrt(VectorMath.SquaredDistance(one.Span, centre)));
        var share = (double)f / vectors.Count;
        var found = new GeometricMedian(0.05 * radius, Steps: 200).Combine(vectors).Required;
        Assert.True(Math.Sqrt(VectorMath.SquaredDistance(found, centre)) <= ((2 * (1 - share) / (1 - (2 * share))) + 0.5) * radius);
    });

    [Fact]
    public void The_geometric_median_of_honest_vectors_has_the_least_sum_of_distances()
    {
        var vectors = Honest(9, 5);
        var found = new GeometricMedian(1e-4, Steps: 300).Combine(vectors).Required;
        double Sum(float[] at) => vectors.Sum(one => Math.Sqrt(VectorMath.SquaredDistance(one.Span, at)));
        var best = Sum(found);
        var random = new TestRandom(6);
        for (var i = 0; i < 200; i++)
        {
            Assert.True(best <= Sum([.. found.Select(value => value + ((random.Below(2001) - 1000) / 10_000f))]) + 1e-5);
        }
    }

    [Fact]
    public void An_attacker_moves_centred_clipping_by_at_most_its_share_of_the_radius() =>
        Gen.Select(Gen.Int[3, 12], Gen.Int[0, AttackScales.Length - 1], Gen.Long).Sample(
            (count, scale, seed) =>
            {
                var rule = new CentredClipping(Radius: 0.7);
                var centre = new float[Length];
                var honest = Honest(count, seed);
                float[] Result(IReadOnlyList<ReadOnlyMemory<float>> vectors)
                {
                    var sum = new float[Length];
                    foreach (var vector in vectors)
                    {
                        sum = [.. sum.Zip(rule.Contribute(vector.Span, centre), (a, b) => a + b)];
                    }

                    return rule.Move(centre, sum, vectors.Count);
                }

                ReadOnlyMemory<float>[] attacked = [.. honest];
                attacked[0] = Enumerable.Repeat(AttackScales[scale], Length).ToArray();
                var moved = Math.Sqrt(VectorMath.SquaredDistance(Result(honest), Result(attacked)));
                Assert.True(moved <= 2 * 0.7 / count * (1 + 1e-5), $"{moved}");
            },
            iter: 200);

    [Fact]
    public void Contributions_to_secure_sums_never_exceed_the_norm_they_are_quantised_for()
    {
        ISumRule[] rules = [new CentredClipping(0.5), new GeometricMedian(0.5)];
        foreach (var rule in rules)
        {
            foreach (var scale in AttackScales)
            {
                var contribution = rule.Contribute(Enumerable.Repeat(scale, Length).ToArray(), new float[Length]);
                Assert.Equal(rule.ContributionLength(Length), contribution.Length);
                Assert.True(Math.Sqrt(contribution.Sum(value => (double)value * value)) <= rule.ContributionNorm * (1 + 1e-6));
            }
        }
    }

    [Fact]
    public void A_vector_that_is_not_finite_or_of_another_length_is_refused_with_blame_by_every_rule()
    {
        RobustRule[] rules = [new CoordinateMedian(), new TrimmedMean(1), new Krum(1), new Krum(1, 3), new Bulyan(1), new GeometricMedian(1), new CentredClipping(1)];
        foreach (var rule in rules)
        {
            foreach (var bad in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
            {
                var vectors = Honest(9, 1);
                vectors[4] = Enumerable.Repeat(bad, Length).ToArray();
                Assert.Equal(new Refusal(RefusalCode.NotFinite, 4), rule.Combine(vectors).Refusal);
            }

            var other = Honest(9, 1);
            other[7] = new float[Length + 1];
            Assert.Equal(new Refusal(RefusalCode.Malformed, 7), rule.Combine(other).Refusal);
        }
    }

    [Fact]
    public void Without_attackers_and_spread_every_rule_gives_the_common_vector()
    {
        RobustRule[] rules = [new CoordinateMedian(), new TrimmedMean(2), new Krum(2), new Krum(2, 4), new Bulyan(2), new GeometricMedian(1), new CentredClipping(1)];
        var common = Honest(1, 3)[0];
        var vectors = Enumerable.Repeat(common, 11).ToArray();
        Assert.All(rules, rule => Assert.Equal(common.ToArray(), rule.Combine(vectors).Required));
    }

    private static void ForAttacks(Func<int, int> least, Action<IReadOnlyList<ReadOnlyMemory<float>>, IReadOnlyList<ReadOnlyMemory<float>>, int> check) =>
        Gen.Select(Gen.Int[1, 4], Gen.Int[0, 5], Gen.Int[0, AttackScales.Length - 1], Gen.Int[0, 2], Gen.Long).Sample(
            (f, extra, scale, kind, seed) =>
            {
                var vectors = Honest(least(f) + extra, seed);
                var random = new TestRandom(seed + 1);
                for (var i = 0; i < f; i++)
                {
                    vectors[i] = Enumerable.Range(0, Length).Select(j => kind switch
                    {
                        0 => AttackScales[scale],
                        1 => AttackScales[scale] * (random.Below(2) - 0.5f),
                        _ => j == 0 ? AttackScales[scale] : vectors[^1].Span[j],
                    }).ToArray();
                }

                check(vectors, [.. vectors.Skip(f)], f);
            },
            iter: 300);

    private static ReadOnlyMemory<float>[] Honest(int count, long seed)
    {
        var random = new TestRandom(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (ReadOnlyMemory<float>)Enumerable.Range(0, Length).Select(_ => (random.Below(2001) - 1000) / 1000f).ToArray())];
    }

    private static void AssertWithin(float[] found, IReadOnlyList<ReadOnlyMemory<float>> honest, double slack) => Assert.True(IsWithin(found, honest, slack), string.Join(' ', found));

    private static bool IsWithin(float[] found, IReadOnlyList<ReadOnlyMemory<float>> honest, double slack)
    {
        for (var i = 0; i < found.Length; i++)
        {
            var (low, high) = (honest.Min(one => one.Span[i]), honest.Max(one => one.Span[i]));
            var spread = slack * ((double)high - low);
            if (found[i] < low - spread - 1e-6 || found[i] > high + spread + 1e-6)
            {
                return false;
            }
        }

        return true;
    }
}
