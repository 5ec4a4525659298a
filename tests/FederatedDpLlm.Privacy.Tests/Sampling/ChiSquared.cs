namespace FederatedDpLlm.Privacy.Tests.Sampling;

/// <summary>A goodness-of-fit test whose false-alarm rate is bounded by the Wilson-Hilferty normal approximation at 5.5 standard deviations (2e-8).</summary>
internal static class ChiSquared
{
    public static void AssertFits(ReadOnlySpan<long> observed, ReadOnlySpan<double> probabilities)
    {
        var total = 0L;
        foreach (var count in observed)
        {
            total += count;
        }

        // Cells below 20 expected are pooled: the approximation needs them not to be rare.
        double statistic = 0, pooledExpected = 0, pooledObserved = 0;
        var cells = 0;
        for (var i = 0; i < observed.Length; i++)
        {
            pooledExpected += probabilities[i] * total;
            pooledObserved += observed[i];
            if (pooledExpected >= 20)
            {
                statistic += (pooledObserved - pooledExpected) * (pooledObserved - pooledExpected) / pooledExpected;
                cells++;
                pooledExpected = pooledObserved = 0;
            }
        }

        Assert.True(pooledObserved <= 200, "Too much was seen where little is expected.");
        Assert.True(ZScore(statistic, cells - 1) < 5.5, $"chi-squared {statistic:F1} on {cells - 1} degrees of freedom");
    }

    public static double ZScore(double statistic, int degrees)
    {
        var spread = 2.0 / (9 * degrees);
        return (Math.Cbrt(statistic / degrees) - (1 - spread)) / Math.Sqrt(spread);
    }
}
