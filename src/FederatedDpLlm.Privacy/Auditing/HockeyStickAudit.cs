namespace FederatedDpLlm.Privacy.Auditing;

/// <summary>
/// A lower bound on a mechanism's epsilon from its outputs on two neighbouring inputs: a claim below it is refuted. Outputs are reduced to a score; half of the runs choose the threshold
/// on it, the other half measure how often each input passes it.
/// </summary>
/// <remarks>
/// Any test with true-positive rate p and false-positive rate q shows p &lt;= e^epsilon q + delta (Kairouz, Oh, Viswanath, arXiv:1311.0776, Theorem 2.1). Rates are bounded by Clopper and
/// Pearson on runs that did not choose the threshold, so the stated significance holds.
/// </remarks>
public static class HockeyStickAudit
{
    /// <summary>The largest epsilon that the runs refute at this significance; 0 where they refute none.</summary>
    /// <param name="first">Scores of runs on one input; at least 4.</param>
    /// <param name="second">Scores of runs on its neighbour; at least 4.</param>
    /// <param name="delta">The claim's delta.</param>
    /// <param name="significance">The chance of a false alarm, between 0 and 1.</param>
    public static double EpsilonLowerBound(ReadOnlySpan<double> first, ReadOnlySpan<double> second, Delta delta, double significance)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Math.Min(first.Length, second.Length), 4, nameof(first));
        double[] trainFirst = Sorted(first[..(first.Length / 2)]), trainSecond = Sorted(second[..(second.Length / 2)]);
        double[] testFirst = Sorted(first[(first.Length / 2)..]), testSecond = Sorted(second[(second.Length / 2)..]);

        // Both inputs may be the likelier one, on both sides of a threshold: four tests, of which training chooses one.
        var best = (Epsilon: 0.0, Test: default(ThresholdTest));
        foreach (var test in ThresholdTest.Candidates(trainFirst, trainSecond))
        {
            var seen = test.Estimate(trainFirst, trainSecond, delta);
            best = seen > best.Epsilon ? (seen, test) : best;
        }

        return best.Epsilon > 0 ? best.Test.EpsilonLowerBound(testFirst, testSecond, delta, significance) : 0;
    }

    private static double[] Sorted(ReadOnlySpan<double> scores)
    {
        var sorted = scores.ToArray();
        Array.Sort(sorted);
        return sorted;
    }
}
