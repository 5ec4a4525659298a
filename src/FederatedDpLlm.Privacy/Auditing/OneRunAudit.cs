namespace FederatedDpLlm.Privacy.Auditing;

/// <summary>Auditing a training with one run: canaries are in or out by fair coins, and an auditor who may abstain guesses which.</summary>
/// <remarks>Steinke, Nasr, Jagielski, arXiv:2305.08846, Theorem 5.2 and Algorithm 1; a guess of an (epsilon, 0)-private run is right with probability at most 1/(1 + e^-epsilon).</remarks>
public static class OneRunAudit
{
    /// <summary>How likely at least so many right guesses are if the run were (epsilon, delta)-private: a small value refutes it.</summary>
    /// <param name="canaries">m, included independently with probability 1/2.</param>
    /// <param name="guesses">r, at most m.</param>
    /// <param name="correct">v, at most r.</param>
    /// <param name="epsilon">The claim.</param>
    /// <param name="delta">The claim.</param>
    public static double PValue(long canaries, long guesses, long correct, Epsilon epsilon, Delta delta)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(correct);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(correct, guesses);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(guesses, canaries);
        var right = 1 / (1 + Math.Exp(-epsilon.Value));
        double sum = 0, slope = 0;
        for (var i = 1L; delta.Value > 0 && i <= correct; i++)
        {
            sum += Binomial.Probability(correct - i, guesses, right);
            slope = Math.Max(slope, sum / i);
        }

        return Math.Min(1, Binomial.AtLeast(correct, guesses, right) + (slope * delta.Value * 2 * canaries));
    }

    /// <summary>The largest epsilon that the guesses refute at this significance; 0 where they refute none.</summary>
    public static double EpsilonLowerBound(long canaries, long guesses, long correct, Delta delta, double significance)
    {
        if (PValue(canaries, guesses, correct, default, delta) > significance)
        {
            return 0;
        }

        double low = 0, high = 1;
        while (high < 1000 && PValue(canaries, guesses, correct, new(high), delta) <= significance)
        {
            (low, high) = (high, 2 * high);
        }

        for (var i = 0; i < 60; i++)
        {
            var middle = (low + high) / 2;
            (low, high) = PValue(canaries, guesses, correct, new(middle), delta) <= significance ? (middle, high) : (low, middle);
        }

        return low;
    }
}
