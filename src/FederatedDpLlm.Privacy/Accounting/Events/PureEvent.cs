namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>Something known only to be (epsilon, 0)-differentially private.</summary>
public sealed record PureEvent : PrivacyEvent
{
    /// <param name="epsilon">The bound.</param>
    /// <param name="relation">The relation under which it holds.</param>
    public PureEvent(Epsilon epsilon, NeighbouringRelation relation)
        : base(relation) => Epsilon = epsilon;

    /// <summary>The bound.</summary>
    public Epsilon Epsilon { get; }
}
