namespace FederatedDpLlm.SecureAggregation.Robust;

/// <summary>
/// The vectors whose n - f - 2 nearest neighbours are nearest, averaged; with one chosen it is Krum, with more multi-Krum.
/// Reference: Blanchard, El Mhamdi, Guerraoui, Stainer, "Machine learning with adversaries: Byzantine tolerant gradient descent", NeurIPS 2017, section 4.
/// </summary>
/// <param name="Attackers">f.</param>
/// <param name="Chosen">How many are averaged, m: 1 to n - f - 2.</param>
public sealed record Krum(int Attackers, int Chosen = 1) : RobustRule
{
    /// <inheritdoc/>
    public override RobustRefusal? Check(int vectors, int attackers) =>
        vectors < (2L * Math.Max(Attackers, attackers)) + 3 || attackers > Attackers || Chosen < 1 || Chosen > vectors - Attackers - 2 ? RobustRefusal.TooFewForKrum : null;

    /// <summary>The chosen vectors' places, best first.</summary>
    public IReadOnlyList<int> Choose(IReadOnlyList<ReadOnlyMemory<float>> vectors)
    {
        ArgumentNullException.ThrowIfNull(vectors);
        if (Check(vectors.Count, Attackers) is { } refusal)
        {
            throw new ArgumentException($"{refusal}: {vectors.Count} vectors, {Attackers} attackers.", nameof(vectors));
        }

        return [.. Ranked(new PairwiseDistances(vectors), [.. Enumerable.Range(0, vectors.Count)], Attackers).Take(Chosen)];
    }

    /// <summary>Of the candidates, by score; ties go to the lower place, so that every coordinator chooses alike.</summary>
    internal static IEnumerable<int> Ranked(PairwiseDistances distances, IReadOnlyList<int> candidates, int attackers)
    {
        var neighbours = Math.Max(1, candidates.Count - attackers - 2);
        return candidates.OrderBy(one => candidates.Where(other => other != one).Select(other => distances[one, other]).Order().Take(neighbours).Sum());
    }

    private protected override float[] CombineFinite(IReadOnlyList<ReadOnlyMemory<float>> vectors) => VectorMath.Mean([.. Choose(vectors).Select(place => vectors[place])]);
}
