using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy;

/// <summary>The most that one unit changes whole numbers, as the sum of the changes, under a stated relation.</summary>
public readonly record struct L1Sensitivity
{
    /// <param name="value">At least 1.</param>
    /// <param name="relation">How the two inputs differ.</param>
    public L1Sensitivity(long value, NeighbouringRelation relation)
    {
        Value = Require.AtLeast(1, value);
        Relation = relation;
    }

    /// <summary>In steps of the integers.</summary>
    public long Value { get; }

    /// <summary>How the two inputs differ.</summary>
    public NeighbouringRelation Relation { get; }

    /// <summary>Of a histogram in which each unit counts <paramref name="largestCount"/> times at most: a replaced unit leaves its bins and joins others.</summary>
    /// <param name="largestCount">At least 1.</param>
    /// <param name="relation">How the two inputs differ.</param>
    public static L1Sensitivity OfHistogram(long largestCount, NeighbouringRelation relation) => new(relation == NeighbouringRelation.ReplaceOne ? checked(2 * largestCount) : largestCount, relation);
}
