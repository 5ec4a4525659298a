namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>Events that are one Gaussian release, as mu squared: they collapse into one under composition.</summary>
internal static class GaussianParts
{
    private const double Least = 1e-300;

    /// <summary>mu^2 (infinite where nothing protects), or null where the event is no Gaussian.</summary>
    public static double? SquaredMu(PrivacyEvent single) => single switch
    {
        GaussianEvent noise => Positive(1 / (noise.NoiseMultiplier * noise.NoiseMultiplier)),
        PoissonSampledEvent { SamplingRate: 1, Part: GaussianEvent noise } => SquaredMu(noise),
        PoissonSampledEvent { SamplingRate: 0 } or PoissonSampledEvent { Part: ZeroEvent } or SampledWithoutReplacementEvent { Part: ZeroEvent } => 0,
        NonPrivateEvent => double.PositiveInfinity,
        TreeAggregationEvent { Depth: 0 } => 0,
        TreeAggregationEvent tree => Positive(tree.Depth / (tree.NoiseMultiplier * tree.NoiseMultiplier)),
        MatrixMechanismEvent { Participations: 0 } or MatrixMechanismEvent { LargestColumnNorm: 0 } => 0,
        MatrixMechanismEvent matrix =>
            Positive(matrix.Participations * Math.Pow(matrix.LargestColumnNorm / matrix.NoiseMultiplier, 2)),
        _ => null,
    };

    // A square that underflows is not nothing; one that no double can tell is everything.
    private static double Positive(double square) => square >= Least ? square : double.IsNaN(square) ? double.PositiveInfinity : Least;
}
