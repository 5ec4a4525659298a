namespace FederatedDpLlm.SecureAggregation.Robust;

/// <summary>
/// The median of every coordinate: within the honest values' range wherever attackers are fewer than half.
/// Reference: Yin, Chen, Ramchandran, Bartlett, "Byzantine-robust distributed learning: towards optimal statistical rates", ICML 2018, Option I.
/// </summary>
public sealed record CoordinateMedian : RobustRule
{
    private protected override float[] CombineFinite(IReadOnlyList<ReadOnlyMemory<float>> vectors) => VectorMath.PerCoordinate(vectors, column =>
    {
        Array.Sort(column);
        return VectorMath.MiddleOfSorted(column);
    });
}
