namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>A release computed on a uniformly random subset of fixed size, drawn afresh each time.</summary>
public sealed record SampledWithoutReplacementEvent : PrivacyEvent
{
    /// <param name="population">Units altogether, at least 1; public, as the replace relation keeps it.</param>
    /// <param name="sample">Units in the subset, between 0 and the population.</param>
    /// <param name="part">What is released of the subset, under <see cref="NeighbouringRelation.ReplaceOne"/>.</param>
    public SampledWithoutReplacementEvent(long population, long sample, PrivacyEvent part)
        : base((part ?? throw new ArgumentNullException(nameof(part))).Relation)
    {
        Population = Require.AtLeast(1, population);
        Sample = Require.AtLeast(0, sample);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sample, population);
        if (part.Relation != NeighbouringRelation.ReplaceOne)
        {
            throw new ArgumentException("Sampling without replacement is analysed under the replace relation, which keeps the population's size.", nameof(part));
        }

        Part = part;
    }

    /// <summary>Units altogether.</summary>
    public long Population { get; }

    /// <summary>Units in the subset.</summary>
    public long Sample { get; }

    /// <summary>What is released of the subset.</summary>
    public PrivacyEvent Part { get; }
}
