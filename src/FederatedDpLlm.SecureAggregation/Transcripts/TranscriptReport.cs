using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Transcripts;

/// <summary>What an audit found.</summary>
/// <param name="Fault">Null where nothing in the file contradicts another thing in it, nor what the auditor expects.</param>
/// <param name="Detail">The refusal behind the fault, where there is one.</param>
/// <param name="Entry">The entry at which the audit stopped; the number of entries where it did not.</param>
/// <param name="Parameters">The round's parameters; null where they could not be read.</param>
/// <param name="Seal">What the coordinator claims; null where the audit did not get so far.</param>
/// <param name="CoordinatorKey">The key of the seal; empty where the audit did not get so far.</param>
/// <param name="UploadRoot">The Merkle root of the uploads that a quorum of hospitals signed; empty where the round did not get so far.</param>
/// <param name="IsExpected">Whether the auditor expected a digest of the parameters and a coordinator's key, and found both.</param>
public sealed record TranscriptReport(
    TranscriptFault? Fault, Refusal? Detail, int Entry, RoundParameters? Parameters, TranscriptSeal? Seal, ReadOnlyMemory<byte> CoordinatorKey, ReadOnlyMemory<byte> UploadRoot, bool IsExpected)
{
    /// <summary>What the transcript shows.</summary>
    public TranscriptVerdict Verdict => this switch
    {
        { Fault: not null } or { Seal: null } => TranscriptVerdict.Invalid,
        { Seal.Refusal: not null } => TranscriptVerdict.EndedWithoutSum,
        { IsExpected: true } => TranscriptVerdict.Authenticated,
        _ => TranscriptVerdict.Consistent,
    };
}
