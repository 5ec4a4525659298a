namespace FederatedDpLlm.Inference.Records;

/// <summary>What a node takes from a file, so that a hostile or broken one costs it neither its memory nor its start.</summary>
public sealed record RecordLimits
{
    /// <summary>A longer file is refused unread. Default 2 GiB.</summary>
    public long MaxFileBytes { get; init; } = 2L << 30;

    /// <summary>A longer line, or CSV field, is a malformed record. Default 1 MiB.</summary>
    public int MaxRecordBytes { get; init; } = 1 << 20;

    /// <summary>More records are refused. Default 1,000,000.</summary>
    public int MaxRecords { get; init; } = 1_000_000;

    /// <summary>Skipped records reported one by one; all are counted. Default 100.</summary>
    public int MaxReported { get; init; } = 100;
}
