namespace FederatedDpLlm.Benchmarks;

/// <summary>The middle figure of several runs: what a neighbour's load in some of them does not move.</summary>
internal static class Median
{
    /// <summary>The upper of the two where their number is even.</summary>
    public static double Of(IEnumerable<double> figures)
    {
        double[] sorted = [.. figures.Order()];
        return sorted[sorted.Length / 2];
    }
}
