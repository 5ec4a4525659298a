namespace FederatedDpLlm.Inference;

/// <summary>A node's votes, one per voter, before any noise: for the router that its hospital trusts to draw it, and for nobody else.</summary>
/// <param name="Counts">Votes per option, in the question's order; they add up to <paramref name="Voters"/>.</param>
/// <param name="Voters">At least 1.</param>
public sealed record VoteCounts(IReadOnlyList<long> Counts, int Voters)
{
    /// <summary>Tokens of each option, as the node's model reads it; public.</summary>
    public IReadOnlyList<int> OptionTokens { get; init; } = [];

    /// <summary>The number of voters only: unnoised counts are not for logs.</summary>
    public override string ToString() => $"VoteCounts of {Voters} voters";
}
