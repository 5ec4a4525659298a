using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>Gaussian noise added to a vector.</summary>
public sealed record GaussianEvent : PrivacyEvent
{
    /// <param name="noiseMultiplier">Standard deviation of the noise divided by the L2 sensitivity <em>under this relation</em>; 0 protects nothing.</param>
    /// <param name="relation">The relation of that sensitivity.</param>
    public GaussianEvent(double noiseMultiplier, NeighbouringRelation relation)
        : base(relation) => NoiseMultiplier = Require.NotNegative(noiseMultiplier);

    /// <summary>Noise on a sum of vectors clipped to <paramref name="clipNorm"/>: replacing one moves the sum by up to twice the norm.</summary>
    public static GaussianEvent OnClippedSum(double standardDeviation, double clipNorm, NeighbouringRelation relation)
    {
        Require.NotNegative(standardDeviation);
        Require.Positive(clipNorm);
        return new(Rounded.DivideDown(standardDeviation, relation == NeighbouringRelation.ReplaceOne ? 2 * clipNorm : clipNorm), relation);
    }

    /// <summary>sigma / L2 sensitivity.</summary>
    public double NoiseMultiplier { get; }
}
