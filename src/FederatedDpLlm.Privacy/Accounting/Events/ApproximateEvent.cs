namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>Something known only to be (epsilon, delta)-differentially private.</summary>
public sealed record ApproximateEvent : PrivacyEvent
{
    /// <param name="epsilon">The bound.</param>
    /// <param name="delta">The probability with which it may fail.</param>
    /// <param name="relation">The relation under which both hold.</param>
    public ApproximateEvent(Epsilon epsilon, Delta delta, NeighbouringRelation relation)
        : base(relation)
    {
        Epsilon = epsilon;
        Delta = delta;
    }

    /// <summary>The bound.</summary>
    public Epsilon Epsilon { get; }

    /// <summary>The probability with which it may fail.</summary>
    public Delta Delta { get; }
}
