namespace FederatedDpLlm.Privacy;

/// <summary>Which two data sets a guarantee compares. Every event and every mechanism carries its own, so two accountants cannot disagree silently.</summary>
public enum NeighbouringRelation
{
    /// <summary>One unit's contribution is present in one data set and absent from the other.</summary>
    AddOrRemoveOne,

    /// <summary>One unit's contribution is exchanged for any other: a patient in a shared shard can turn its voter from anything into anything.</summary>
    ReplaceOne,

    /// <summary>One unit's contribution is exchanged for a fixed public one ("abstain", "zero-out").</summary>
    ReplaceByNothing,
}
