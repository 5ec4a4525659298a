namespace FederatedDpLlm.SecureAggregation.Robust;

/// <summary>
/// The mean of every coordinate without its f smallest and f largest values: within the honest values' range wherever attackers are at most f.
/// Reference: Yin, Chen, Ramchandran, Bartlett, ICML 2018, Option II.
/// </summary>
/// <param name="Trim">f: at least 0, below half the vectors.</param>
public sealed record TrimmedMean(int Trim) : RobustRule
{
    /// <inheritdoc/>
    public override RobustRefusal? Check(int vectors, int attackers) =>
        vectors < (2L * Trim) + 1 || attackers > Trim ? RobustRefusal.NoHonestMajority : null;

    private protected override float[] CombineFinite(IReadOnlyList<ReadOnlyMemory<float>> vectors)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(Trim);
        ArgumentOutOfRangeException.ThrowIfLessThan(vectors.Count, (2 * Trim) + 1, nameof(vectors));
        return VectorMath.PerCoordinate(vectors, column =>
        {
            Array.Sort(column);
            var sum = 0.0;
            foreach (var value in column.AsSpan()[Trim..^Trim])
            {
                sum += value;
            }

            return sum / (column.Length - (2 * Trim));
        });
    }
}
