namespace FederatedDpLlm.SecureAggregation.Transcripts;

/// <summary>What is wrong with a transcript.</summary>
public enum TranscriptFault
{
    /// <summary>The file does not begin as a transcript does.</summary>
    NotATranscript,

    /// <summary>The file ends in the middle, or goes on after its seal, or a length in it cannot be.</summary>
    Malformed,

    /// <summary>The round's parameters are no valid ones, or not the ones that the auditor expects.</summary>
    WrongParameters,

    /// <summary>A message is not one that an honest coordinator accepts at this place.</summary>
    MessageRefused,

    /// <summary>The round's messages do not allow the coordinator to go on to the stage that the next message belongs to.</summary>
    StageRefused,

    /// <summary>The messages give another sum, other survivors or other blame than the transcript claims.</summary>
    WrongResult,

    /// <summary>The seal's Merkle root is not the one over the entries, or its signature does not verify, or its key is not the one that the auditor expects.</summary>
    BadSeal,
}
