namespace FederatedDpLlm.Inference;

/// <summary>How a node's voters read.</summary>
public sealed record AnsweringOptions
{
    /// <summary>The best-matching records that a voter puts before its engine: 1 to 16. Default 1.</summary>
    public int RecordsPerVoter
    {
        get;
        init => field = value is >= 1 and <= 16 ? value : throw new ArgumentOutOfRangeException(nameof(RecordsPerVoter), value, "A voter reads 1 to 16 records.");
    } = 1;
}
