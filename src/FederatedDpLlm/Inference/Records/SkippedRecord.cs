namespace FederatedDpLlm.Inference.Records;

/// <summary>A malformed record: where it starts and what is wrong with it, never what it says.</summary>
/// <param name="File">The file's name without its folder.</param>
/// <param name="Line">The record's first line, counted from 1.</param>
/// <param name="Reason">For the hospital's IT.</param>
public sealed record SkippedRecord(string File, long Line, string Reason);
