namespace FederatedDpLlm.SecureAggregation.Robust;

/// <summary>
/// Krum chooses n - 2f vectors one after the other; of every coordinate of these, the n - 4f values nearest to their median are averaged. Krum alone can be
/// led away in one coordinate out of many; here every coordinate stays near an honest one.
/// Reference: El Mhamdi, Guerraoui, Rouault, "The hidden vulnerability of distributed learning in Byzantium", ICML 2018, section 4.
/// </summary>
/// <param name="Attackers">f.</param>
public sealed record Bulyan(int Attackers) : RobustRule
{
    /// <inheritdoc/>
    public override RobustRefusal? Check(int vectors, int attackers) =>
        attackers > Attackers || vectors < (4L * Attackers) + 3 ? RobustRefusal.TooFewForBulyan : null;

    private protected override float[] CombineFinite(IReadOnlyList<ReadOnlyMemory<float>> vectors)
    {
        if (Check(vectors.Count, Attackers) is { } refusal)
        {
            throw new ArgumentException($"{refusal}: {vectors.Count} vectors, {Attackers} attackers.", nameof(vectors));
        }

        var chosen = Choose(vectors);
        var kept = chosen.Count - (2 * Attackers);
        return VectorMath.PerCoordinate(chosen, column => MeanNearMedian(column, kept));
    }

    private List<ReadOnlyMemory<float>> Choose(IReadOnlyList<ReadOnlyMemory<float>> vectors)
    {
        var distances = new PairwiseDistances(vectors);
        List<int> candidates = [.. Enumerable.Range(0, vectors.Count)];
        var chosen = new List<ReadOnlyMemory<float>>();
        while (chosen.Count < vectors.Count - (2 * Attackers))
        {
            var best = Krum.Ranked(distances, candidates, Attackers).First();
            candidates.Remove(best);
            chosen.Add(vectors[best]);
        }

        return chosen;
    }

    private static double MeanNearMedian(float[] column, int kept)
    {
        Array.Sort(column);
        var median = VectorMath.MiddleOfSorted(column);

        // In sorted order the values nearest to the median are neighbours: move a window until its far ends agree.
        var start = 0;
        while (start + kept < column.Length && median - column[start] > column[start + kept] - median)
        {
            start++;
        }

        var sum = 0.0;
        foreach (var value in column.AsSpan(start, kept))
        {
            sum += value;
        }

        return sum / kept;
    }
}
