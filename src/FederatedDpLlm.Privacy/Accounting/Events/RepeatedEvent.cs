namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>The same event <see cref="Count"/> times, each with fresh noise, on inputs that may depend on what was released before.</summary>
public sealed record RepeatedEvent : PrivacyEvent
{
    /// <param name="part">What is repeated.</param>
    /// <param name="count">At least 0.</param>
    public RepeatedEvent(PrivacyEvent part, long count)
        : base((part ?? throw new ArgumentNullException(nameof(part))).Relation)
    {
        Part = part;
        Count = Require.AtLeast(0, count);
    }

    /// <summary>What is repeated.</summary>
    public PrivacyEvent Part { get; }

    /// <summary>How often.</summary>
    public long Count { get; }
}
