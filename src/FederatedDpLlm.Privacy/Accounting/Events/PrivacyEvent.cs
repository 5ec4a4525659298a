namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// What was released, completely, and nothing of what it costs: accountants cost events. The family is closed, its members are immutable, and each carries the
/// neighbouring relation under which its parameters (sensitivities, ranges) hold, so that two accountants cannot disagree silently.
/// </summary>
public abstract record PrivacyEvent
{
    private protected PrivacyEvent(NeighbouringRelation relation)
    {
        if (!Enum.IsDefined(relation))
        {
            throw new ArgumentOutOfRangeException(nameof(relation), relation, "There is no such neighbouring relation.");
        }

        Relation = relation;
    }

    /// <summary>The relation under which this event's parameters hold.</summary>
    public NeighbouringRelation Relation { get; }

    /// <summary>This event, <paramref name="count"/> times, each with fresh noise.</summary>
    public PrivacyEvent Times(long count) => count == 1 ? this : new RepeatedEvent(this, count);
}
