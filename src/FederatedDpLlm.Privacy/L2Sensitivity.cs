using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy;

/// <summary>The most that one unit changes a vector, as an L2 norm, under a stated relation: where the pipeline sensitivity, calibration, mechanism, event, accounting begins.</summary>
public readonly record struct L2Sensitivity
{
    /// <param name="value">Finite and above 0, in the vector's unit.</param>
    /// <param name="relation">How the two inputs differ.</param>
    public L2Sensitivity(double value, NeighbouringRelation relation)
    {
        Value = Require.Positive(value);
        Relation = relation;
    }

    /// <summary>In the vector's unit.</summary>
    public double Value { get; }

    /// <summary>How the two inputs differ.</summary>
    public NeighbouringRelation Relation { get; }

    /// <summary>Of a sum of vectors, one a unit, each clipped to <paramref name="clipNorm"/>: a replaced unit takes one away and adds another.</summary>
    /// <param name="clipNorm">Finite and above 0.</param>
    /// <param name="relation">How the two inputs differ.</param>
    public static L2Sensitivity OfClippedSum(double clipNorm, NeighbouringRelation relation) => new(relation == NeighbouringRelation.ReplaceOne ? 2 * clipNorm : clipNorm, relation);
}
