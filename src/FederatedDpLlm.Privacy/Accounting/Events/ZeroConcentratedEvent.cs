namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>Something known only to be rho-zCDP.</summary>
public sealed record ZeroConcentratedEvent : PrivacyEvent
{
    /// <param name="rho">The bound.</param>
    /// <param name="relation">The relation under which it holds.</param>
    public ZeroConcentratedEvent(Rho rho, NeighbouringRelation relation)
        : base(relation) => Rho = rho;

    /// <summary>The bound.</summary>
    public Rho Rho { get; }
}
