namespace FederatedDpLlm.Privacy.Auditing;

/// <summary>"Score at or above (or below) a threshold", taken as evidence for one of two inputs.</summary>
internal readonly record struct ThresholdTest(double Threshold, bool Above, bool ForFirst)
{
    // Even steps, and finer and finer ones into both tails, where pure mechanisms lose most.
    private static readonly double[] Quantiles =
        [.. Enumerable.Range(0, 201).Select(i => i / 200.0).Concat(Enumerable.Range(8, 12).SelectMany(i => new[] { Math.ScaleB(1, -i), 1 - Math.ScaleB(1, -i) })).Order()];

    public static IEnumerable<ThresholdTest> Candidates(double[] first, double[] second)
    {
        foreach (var quantile in Quantiles)
        {
            foreach (var sample in (double[][])[first, second])
            {
                var threshold = sample[(int)((sample.Length - 1) * quantile)];
                yield return new(threshold, true, true);
                yield return new(threshold, true, false);
                yield return new(threshold, false, true);
                yield return new(threshold, false, false);
            }
        }
    }

    /// <summary>ln((lower bound of the true-positive rate - delta) / upper bound of the false-positive rate), at least 0. Samples are sorted.</summary>
    public double EpsilonLowerBound(double[] first, double[] second, Delta delta, double significance)
    {
        var (likely, unlikely) = ForFirst ? (first, second) : (second, first);
        var truePositives = Binomial.LowerBound(Count(likely), likely.Length, significance / 2) - delta.Value;
        var falsePositives = Binomial.UpperBound(Count(unlikely), unlikely.Length, significance / 2);
        return truePositives <= 0 ? 0 : Math.Max(0, Math.Log(truePositives / falsePositives));
    }

    /// <summary>A quick guess at that bound, with five standard deviations for the tails: good enough to choose a test by, and no more.</summary>
    public double Estimate(double[] first, double[] second, Delta delta)
    {
        var (likely, unlikely) = ForFirst ? (first, second) : (second, first);
        double hits = Count(likely), alarms = Count(unlikely);
        var truePositives = ((hits - (5 * Math.Sqrt(hits))) / likely.Length) - delta.Value;
        return truePositives <= 0 ? 0 : Math.Max(0, Math.Log(truePositives * unlikely.Length / (alarms + (5 * Math.Sqrt(alarms)) + 14)));
    }

    private int Count(double[] sorted)
    {
        // The first index whose score is at least (Above) or more than (below) the threshold.
        int low = 0, high = sorted.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = (Above ? sorted[middle] >= Threshold : sorted[middle] > Threshold) ? (low, middle) : (middle + 1, high);
        }

        return Above ? sorted.Length - low : low;
    }
}
