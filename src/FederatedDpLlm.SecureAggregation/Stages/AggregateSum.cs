namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>What a round gives.</summary>
/// <param name="Values">The sum of the survivors' updates, exact.</param>
/// <param name="Survivors">Whose updates it is the sum of.</param>
/// <param name="Blamed">Clients whose released shares were not the ones they held; the sum does not depend on them.</param>
public sealed record AggregateSum(ReadOnlyMemory<int> Values, IReadOnlyList<int> Survivors, IReadOnlyList<int> Blamed);
