namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>What a round gives.</summary>
/// <param name="Values">The sum of the survivors' updates, exact.</param>
/// <param name="Survivors">Whose updates it is the sum of.</param>
/// <param name="Blamed">Clients whose released shares were not the ones they held; the sum does not depend on them.</param>
public sealed record AggregateSum(ReadOnlyMemory<int> Values, IReadOnlyList<int> Survivors, IReadOnlyList<int> Blamed)
{
    /// <summary>
    /// In the committee mode, members whose answers did not fit those that opened the sum. Each answered wrongly, or was dealt a wrong share by another member: shares
    /// of the committee's key carry no commitments, so the protocol does not say which, and blames nobody.
    /// </summary>
    public IReadOnlyList<int> LeftOut { get; init; } = [];
}
