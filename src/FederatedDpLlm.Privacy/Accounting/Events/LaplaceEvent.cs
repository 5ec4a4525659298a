namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>Laplace noise added to a number (or, coordinate by coordinate, to a vector of bounded L1 sensitivity).</summary>
public sealed record LaplaceEvent : PrivacyEvent
{
    /// <param name="noiseMultiplier">Scale b of the noise divided by the L1 sensitivity under this relation; 0 protects nothing.</param>
    /// <param name="relation">The relation of that sensitivity.</param>
    public LaplaceEvent(double noiseMultiplier, NeighbouringRelation relation)
        : base(relation) => NoiseMultiplier = Require.NotNegative(noiseMultiplier);

    /// <summary>b / L1 sensitivity; the pure epsilon is its inverse.</summary>
    public double NoiseMultiplier { get; }
}
