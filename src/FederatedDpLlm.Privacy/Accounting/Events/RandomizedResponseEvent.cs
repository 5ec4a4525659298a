namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>One answer out of k is given truthfully, or with probability <see cref="NoiseProbability"/> drawn uniformly from all k (Warner, 1965; k-ary: Kairouz et al., 2016).</summary>
public sealed record RandomizedResponseEvent : PrivacyEvent
{
    /// <param name="noiseProbability">In [0, 1]; 0 protects nothing.</param>
    /// <param name="buckets">k, at least 2.</param>
    /// <param name="relation">Replace-one compares two truths; replace-by-nothing a truth with a uniform answer. Add-or-remove has no meaning here.</param>
    public RandomizedResponseEvent(double noiseProbability, int buckets, NeighbouringRelation relation)
        : base(relation)
    {
        NoiseProbability = Require.Probability(noiseProbability);
        Buckets = Require.AtLeast(2, buckets);
        if (relation == NeighbouringRelation.AddOrRemoveOne)
        {
            throw new ArgumentException("An answer that is absent is seen to be absent: randomized response has no add-or-remove guarantee.", nameof(relation));
        }
    }

    /// <summary>The chance of a uniform answer.</summary>
    public double NoiseProbability { get; }

    /// <summary>k.</summary>
    public int Buckets { get; }
}
