namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>Something was answered that cost nobody's data anything, and why.</summary>
public sealed record ZeroEvent : PrivacyEvent
{
    /// <param name="reason">A reason code such as <c>public-model</c>; never empty.</param>
    /// <param name="relation">Any: nothing depends on the data.</param>
    public ZeroEvent(string reason, NeighbouringRelation relation)
        : base(relation)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(reason);
        Reason = reason;
    }

    /// <summary>The reason code.</summary>
    public string Reason { get; }
}
