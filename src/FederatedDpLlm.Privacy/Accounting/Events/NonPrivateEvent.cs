namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>Something was released with no bound at all: every accountant says infinity.</summary>
public sealed record NonPrivateEvent : PrivacyEvent
{
    /// <param name="relation">Any.</param>
    public NonPrivateEvent(NeighbouringRelation relation)
        : base(relation)
    {
    }
}
