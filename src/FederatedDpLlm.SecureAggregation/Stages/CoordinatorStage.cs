namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>What the coordinator of a round is collecting; it only ever moves down this list.</summary>
public enum CoordinatorStage
{
    /// <summary>Public keys.</summary>
    Advertisements,

    /// <summary>Commitments and encrypted shares.</summary>
    Sharings,

    /// <summary>Masked updates.</summary>
    Uploads,

    /// <summary>Signatures on the survivor set.</summary>
    Confirmations,

    /// <summary>Released shares.</summary>
    Unmaskings,

    /// <summary>The sum is known.</summary>
    Finished,

    /// <summary>No sum: too few of something, or a proven fault. The round's number is not used again.</summary>
    Aborted,
}
