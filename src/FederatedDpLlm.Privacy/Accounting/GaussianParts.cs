namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>Events that are one Gaussian release, as mu squared: they collapse into one under composition.</summary>
internal static class GaussianParts
{
    /// <summary>mu^2 (infinite where nothing protects), or null where the event is no Gaussian.</summary>
    public static double? SquaredMu(PrivacyEvent single) => single switch
    {
        GaussianEvent noise => 1 / (noise.NoiseMultiplier * noise.NoiseMultiplier),
        PoissonSampledEvent { SamplingRate: 1, Part: GaussianEvent noise } => SquaredMu(noise),
        PoissonSampledEvent { SamplingRate: 0 } => 0,
        TreeAggregationEvent { Depth: 0 } => 0,
        TreeAggregationEvent tree => tree.Depth / (tree.NoiseMultiplier * tree.NoiseMultiplier),
        MatrixMechanismEvent { Participations: 0 } or MatrixMechanismEvent { LargestColumnNorm: 0 } => 0,
        MatrixMechanismEvent matrix =>
            matrix.Participations * matrix.LargestColumnNorm * matrix.LargestColumnNorm / (matrix.NoiseMultiplier * matrix.NoiseMultiplier),
        _ => null,
    };
}
