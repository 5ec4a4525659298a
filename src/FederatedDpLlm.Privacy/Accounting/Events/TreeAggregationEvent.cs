using System.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// All prefix sums of a stream through binary trees of Gaussian noise, one tree after another, each unit contributing to one leaf of one tree (one pass, DP-FTRL).
/// </summary>
/// <remarks>Kairouz et al., arXiv:2103.00039 (the privacy of DP-FTRL): a leaf lies under ceil(log2(steps + 1)) noisy nodes; trees of different units do not add up.</remarks>
public sealed record TreeAggregationEvent : PrivacyEvent
{
    /// <param name="noiseMultiplier">Standard deviation of a node's noise over the L2 norm of a contribution; 0 protects nothing.</param>
    /// <param name="largestTreeSteps">Leaves of the largest tree, at least 0.</param>
    /// <param name="relation">The relation of that norm.</param>
    public TreeAggregationEvent(double noiseMultiplier, long largestTreeSteps, NeighbouringRelation relation)
        : base(relation)
    {
        NoiseMultiplier = Require.NotNegative(noiseMultiplier);
        LargestTreeSteps = Require.AtLeast(0, largestTreeSteps);
    }

    /// <summary>sigma of a node over the L2 sensitivity.</summary>
    public double NoiseMultiplier { get; }

    /// <summary>Leaves of the largest tree.</summary>
    public long LargestTreeSteps { get; }

    /// <summary>Noisy nodes above a leaf.</summary>
    public int Depth => 64 - BitOperations.LeadingZeroCount((ulong)LargestTreeSteps);
}
