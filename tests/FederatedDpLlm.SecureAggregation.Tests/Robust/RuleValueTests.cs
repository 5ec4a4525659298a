using CsCheck;
using FederatedDpLlm.SecureAggregation.Robust;

namespace FederatedDpLlm.SecureAggregation.Tests.Robust;

/// <summary>What the rules give, beside the slow and obvious way to it.</summary>
public sealed class RuleValueTests
{
    [Fact]
    public void The_trimmed_mean_leaves_out_the_smallest_and_largest_wherever_they_stand() => ForVectors(least: f => (2 * f) + 1, (vectors, f) =>
        AssertEqual(PerCoordinate(vectors, column => column.Order().Skip(f).SkipLast(f).Average(value => (double)value)), new TrimmedMean(f).Combine(vectors).Required));

    [Fact]
    public void The_coordinate_median_is_the_middle_or_the_mean_of_the_two_in_the_middle() => ForVectors(least: f => f + 1, (vectors, f) =>
        AssertEqual(PerCoordinate(vectors, Median), new CoordinateMedian().Combine(vectors).Required));

    [Fact]
    public void Krum_and_multi_Krum_rank_by_the_sum_of_the_nearest_squared_distances() => ForVectors(least: f => (2 * f) + 3, (vectors, f) =>
    {
        var expected = Enumerable.Range(0, vectors.Length).OrderBy(one => Score(vectors, [.. Enumerable.Range(0, vectors.Length)], one, f)).ToArray();
        var most = vectors.Length - f - 2;
        Assert.Equal(expected[..1], new Krum(f).Choose(vectors));
        Assert.Equal(expected[..most], new Krum(f, most).Choose(vectors));
        AssertEqual(PerCoordinate([.. expected[..most].Select(place => vectors[place])], column => column.Average(value => (double)value)), new Krum(f, most).Combine(vectors).Required);
        Assert.Throws<ArgumentException>(() => new Krum(f, most + 1).Choose(vectors));
        Assert.Throws<ArgumentException>(() => new Krum(f, 0).Choose(vectors));
    });

    [Fact]
    public void Bulyan_averages_what_lies_nearest_to_the_median_of_what_Krum_chose_one_by_one() => ForVectors(least: f => (4 * f) + 3, (vectors, f) =>
    {
        List<int> candidates = [.. Enumerable.Range(0, vectors.Length)];
        List<ReadOnlyMemory<float>> chosen = [];
        for (var i = 0; i < vectors.Length - (2 * f); i++)
        {
            var best = candidates.OrderBy(one => Score(vectors, candidates, one, f)).First();
            candidates.Remove(best);
            chosen.Add(vectors[best]);
        }

        var kept = vectors.Length - (4 * f);
        var expected = PerCoordinate([.. chosen], column => column.OrderBy(value => Math.Abs(value - Median(column))).Take(kept).Average(value => (double)value));
        AssertEqual(expected, new Bulyan(f).Combine(vectors).Required);
    });

    [Fact]
    public void The_window_of_Bulyan_goes_as_far_as_the_last_values()
    {
        // All but one value are far above: the four nearest to the median are the highest ones.
        ReadOnlyMemory<float>[] vectors = [.. new[] { -90f, 10, 11, 12, 13, 14, 15 }.Select(value => (ReadOnlyMemory<float>)new[] { value })];
        var found = new Bulyan(1).Combine(vectors).Required[0];
        Assert.InRange(found, 11, 14);
    }

    [Fact]
    public void A_contribution_inside_the_radius_is_the_difference_and_outside_it_is_cut_to_the_radius()
    {
        var rule = new CentredClipping(Radius: 5);
        Assert.Equal([3f, 4], rule.Contribute([4, 6], [1, 2]));
        Assert.Equal([3f, 4], rule.Contribute([7, 10], [1, 2]));
        Assert.Equal([2f, 4.5f], rule.Move([1, 2], [4, 10], survivors: 4));
        Assert.Equal((5.0, 7), (rule.ContributionNorm, rule.ContributionLength(7)));
        Assert.Equal([5f], new CentredClipping(10, Steps: 3).Combine([new[] { 5f }, new[] { 5f }, new[] { 5f }]).Required);
        Assert.Equal([1f], new CentredClipping(3).Combine([new[] { 0f }, new[] { 0f }, new[] { 1000f }]).Required);
    }

    [Fact]
    public void A_Weiszfeld_step_weighs_by_the_inverse_distance_and_never_more_than_the_smoothing_allows()
    {
        var rule = new GeometricMedian(Smoothing: 2);
        Assert.Equal([3 * 0.4f, 4 * 0.4f, 2 * 0.4f], rule.Contribute([4, 6], [1, 2]));
        Assert.Equal([1f, 0, 2], rule.Contribute([2, 2], [1, 2]));
        Assert.Equal([1 + (6f / 4), 2 + (1f / 4)], rule.Move([1, 2], [6, 1, 8], survivors: 5));
        Assert.Equal([1f, 2], rule.Move([1, 2], [6, 1, 0], survivors: 5));
        Assert.Equal([1f, 2], rule.Move([1, 2], [6, 1, -1], survivors: 5));
        Assert.Equal(2 * 1.4142135623730951, rule.ContributionNorm, 1e-15);
        Assert.Equal(8, rule.ContributionLength(7));
    }

    private static double Score(ReadOnlyMemory<float>[] vectors, IReadOnlyList<int> candidates, int one, int f) =>
        candidates.Where(other => other != one).Select(other => Distance(vectors[one].Span, vectors[other].Span)).Order().Take(Math.Max(1, candidates.Count - f - 2)).Sum();

    private static double Distance(ReadOnlySpan<float> left, ReadOnlySpan<float> right)
    {
        var sum = 0.0;
        for (var i = 0; i < left.Length; i++)
        {
            sum += Math.Pow((double)left[i] - right[i], 2);
        }

        return sum;
    }

    private static double Median(float[] column)
    {
        var sorted = column.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + (double)sorted[sorted.Length / 2]) / 2;
    }

    private static float[] PerCoordinate(ReadOnlyMemory<float>[] vectors, Func<float[], double> rule) =>
        [.. Enumerable.Range(0, vectors[0].Length).Select(i => (float)rule([.. vectors.Select(vector => vector.Span[i])]))];

    private static void AssertEqual(float[] expected, float[] found) => Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-5f * Math.Max(1, Math.Abs(pair.First))));

    private static void ForVectors(Func<int, int> least, Action<ReadOnlyMemory<float>[], int> check) =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 4], Gen.Long).Sample(
            (f, extra, seed) =>
            {
                var random = new TestRandom(seed);
                ReadOnlyMemory<float>[] vectors = [.. Enumerable.Range(0, least(f) + extra).Select(_ =>
                    (ReadOnlyMemory<float>)Enumerable.Range(0, 4).Select(_ => (random.Below(2_000_001) - 1_000_000) / 997f).ToArray())];
                check(vectors, f);
            },
            iter: 60);
}
