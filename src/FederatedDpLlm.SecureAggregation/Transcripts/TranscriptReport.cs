using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Transcripts;

/// <summary>What an audit found.</summary>
/// <param name="Fault">Null where everything is as it should be.</param>
/// <param name="Detail">The refusal behind the fault, where there is one.</param>
/// <param name="Entry">The entry at which the audit stopped; the number of entries where it did not.</param>
/// <param name="Parameters">The round's parameters; null where they could not be read.</param>
/// <param name="Seal">What the coordinator claims; null where the audit did not get so far.</param>
/// <param name="CoordinatorKey">The key of the seal; empty where the audit did not get so far.</param>
/// <param name="UploadRoot">The Merkle root of the uploads that a quorum of hospitals signed; empty where the round did not get so far.</param>
public sealed record TranscriptReport(
    TranscriptFault? Fault, Refusal? Detail, int Entry, RoundParameters? Parameters, TranscriptSeal? Seal, ReadOnlyMemory<byte> CoordinatorKey, ReadOnlyMemory<byte> UploadRoot)
{
    /// <summary>Whether the transcript is one of an honest coordinator.</summary>
    public bool IsValid => Fault is null;
}
