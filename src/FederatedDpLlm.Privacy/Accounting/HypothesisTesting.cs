using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>What a guarantee means for somebody who tests whether one unit's data was used.</summary>
public static class HypothesisTesting
{
    /// <summary>The best true-positive rate at a false-positive rate against mu-GDP (Dong, Roth, Su, arXiv:1905.02383, Definition 2.6).</summary>
    /// <param name="mu">At least 0.</param>
    /// <param name="falsePositiveRate">In [0, 1].</param>
    public static double GaussianTruePositiveRate(double mu, double falsePositiveRate)
    {
        Require.NotNegative(mu);
        Require.Probability(falsePositiveRate);
        return falsePositiveRate is 0 or 1 ? falsePositiveRate : Normal.Above(Normal.InverseAbove(falsePositiveRate) - mu);
    }
}
