namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>Why a message was not accepted, or a round not finished. The code goes into the host's log; the peer is told nothing.</summary>
public enum RefusalCode
{
    /// <summary>The bytes are no message of the expected kind: wrong length, unknown kind, a value out of its range.</summary>
    Malformed,

    /// <summary>Another task, round, configuration, roster, model or privacy plan.</summary>
    WrongContext,

    /// <summary>The sender is not on the roster, or not part of the round at this stage.</summary>
    UnknownSender,

    /// <summary>The signature does not verify.</summary>
    BadSignature,

    /// <summary>The stage is over, or not open yet.</summary>
    WrongStage,

    /// <summary>The sender already sent another message of this kind.</summary>
    Replayed,

    /// <summary>Two parties were shown different things: another set of advertisements, another survivor set, our own key swapped.</summary>
    Equivocation,

    /// <summary>A share is not the one that its dealer committed to, or cannot be decrypted; or a dealer's commitments contradict each other.</summary>
    BadShare,

    /// <summary>A client advertised a key that does not follow from its seed, or showed another than it had advertised.</summary>
    BadKey,

    /// <summary>Fewer survivors than the round's minimum: no sum, rather than a sum over too few.</summary>
    TooFewSurvivors,

    /// <summary>Fewer shares or signatures than the threshold.</summary>
    BelowThreshold,

    /// <summary>The client already decided what to release in this round, and this asks for something else.</summary>
    AlreadyDecided,

    /// <summary>The payload is not the one that its header announces.</summary>
    PayloadMismatch,

    /// <summary>The sum does not open: somebody's key or ciphertext was not what it should be, and the protocol does not say whose.</summary>
    Undecryptable,

    /// <summary>An update holds something that is not a finite number.</summary>
    NotFinite,

    /// <summary>The published sum is not the sum of what was uploaded.</summary>
    WrongSum,

    /// <summary>The round's parameters are not those that the privacy plan was made for: its noise would not be enough, or its values not fit.</summary>
    PlanMismatch,
}
