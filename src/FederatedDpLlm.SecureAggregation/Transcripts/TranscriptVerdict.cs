namespace FederatedDpLlm.SecureAggregation.Transcripts;

/// <summary>What a replayed transcript shows.</summary>
public enum TranscriptVerdict
{
    /// <summary>Something in the file contradicts something else in it, or what the auditor expects.</summary>
    Invalid,

    /// <summary>
    /// The messages agree with each other, and end before a sum. A coordinator can always make a round look so, by leaving the later messages out: it is a sign of
    /// nothing but that, and the head has to be compared with the one that others were shown.
    /// </summary>
    EndedWithoutSum,

    /// <summary>
    /// Messages, sum and seal agree with each other. Whose round it was is not shown: anybody can make up hospitals, a coordinator and a round between them.
    /// </summary>
    Consistent,

    /// <summary>As <see cref="Consistent"/>, and the parameters (with the roster's keys) and the coordinator's key are the ones that the auditor knows from elsewhere.</summary>
    Authenticated,
}
