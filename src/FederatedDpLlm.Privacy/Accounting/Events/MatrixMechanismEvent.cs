namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// All prefix sums of a training run through a factorisation A = B C with Gaussian noise on C x (DP-MatFact; banded C): one Gaussian release whose sensitivity is the
/// largest column combination that one unit can touch.
/// </summary>
/// <remarks>
/// Choquette-Choo et al., arXiv:2306.08153, Theorem 2: with bands b, and participations at least b steps apart, at most k of them, the columns that one unit touches are orthogonal,
/// so the squared sensitivity is at most k times the largest squared column norm.
/// </remarks>
public sealed record MatrixMechanismEvent : PrivacyEvent
{
    /// <param name="noiseMultiplier">Standard deviation of the noise over the norm of one contribution.</param>
    /// <param name="largestColumnNorm">Of C.</param>
    /// <param name="participations">k, at least 0: how often one unit may take part, at least as many steps apart as C has bands.</param>
    /// <param name="relation">The relation of the contribution's norm.</param>
    public MatrixMechanismEvent(double noiseMultiplier, double largestColumnNorm, long participations, NeighbouringRelation relation)
        : base(relation)
    {
        NoiseMultiplier = Require.NotNegative(noiseMultiplier);
        LargestColumnNorm = Require.NotNegative(largestColumnNorm);
        Participations = Require.AtLeast(0, participations);
    }

    /// <summary>sigma over the norm of one contribution.</summary>
    public double NoiseMultiplier { get; }

    /// <summary>The largest L2 norm of a column of C.</summary>
    public double LargestColumnNorm { get; }

    /// <summary>How often one unit may take part.</summary>
    public long Participations { get; }
}
