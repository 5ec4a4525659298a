namespace FederatedDpLlm.Privacy.Auditing;

/// <summary>An auditor's guesses about canaries, from one score each: the highest scores are said to be in, the lowest out, and about the rest it abstains.</summary>
/// <remarks>Steinke, Nasr, Jagielski, arXiv:2305.08846, Algorithm 1.</remarks>
public static class CanaryGuesses
{
    /// <summary>The strongest lower bound on epsilon over a few ways to abstain, each at a share of the significance.</summary>
    /// <param name="scores">Higher where a canary seems to have been in.</param>
    /// <param name="included">The coins: as many, drawn fairly and independently before the training.</param>
    /// <param name="delta">The claim's delta.</param>
    /// <param name="significance">The chance of a false alarm, between 0 and 1.</param>
    public static double EpsilonLowerBound(ReadOnlySpan<double> scores, ReadOnlySpan<bool> included, Delta delta, double significance)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(included.Length, scores.Length, nameof(included));
        var canaries = scores.Length;
        var order = Enumerable.Range(0, canaries).ToArray();
        Array.Sort(scores.ToArray(), order);
        int[] guessesPerSide = [.. new[] { 50, 20, 10, 5, 2 }.Select(part => canaries / part).Where(guesses => guesses > 0).Distinct()];
        var best = 0.0;
        foreach (var guesses in guessesPerSide)
        {
            var correct = 0;
            for (var i = 0; i < guesses; i++)
            {
                correct += (included[order[i]] ? 0 : 1) + (included[order[^(i + 1)]] ? 1 : 0);
            }

            best = Math.Max(best, OneRunAudit.EpsilonLowerBound(canaries, 2 * guesses, correct, delta, significance / guessesPerSide.Length));
        }

        return best;
    }
}
