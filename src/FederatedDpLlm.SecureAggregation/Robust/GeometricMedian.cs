namespace FederatedDpLlm.SecureAggregation.Robust;

/// <summary>
/// The point of the least sum of distances, by smoothed Weiszfeld steps: a weighted mean with weights 1 / max(smoothing, distance), from sums alone.
/// Reference: Pillutla, Kakade, Harchaoui, "Robust aggregation for federated learning", arXiv:1912.13445, Algorithm 1 (3 or 4 steps are usual).
/// A contribution is (w (x - centre), smoothing w) with w = smoothing / max(smoothing, distance), so its norm is at most smoothing * sqrt(2). Inside a secure
/// sum the weight is the hospital's own word, as with <see cref="CentredClipping"/>.
/// </summary>
/// <param name="Smoothing">nu, in the update's unit: nearer vectors count as if at this distance.</param>
/// <param name="Steps">How often the centre is moved.</param>
public sealed record GeometricMedian(double Smoothing, int Steps = 4) : RobustRule, ISumRule
{
    /// <summary>nu, above 0.</summary>
    public double Smoothing { get; } = VectorMath.RequirePositive(Smoothing, nameof(Smoothing));

    /// <summary>At least 1.</summary>
    public int Steps { get; } = (int)VectorMath.RequirePositive(Steps, nameof(Steps));

    /// <inheritdoc/>
    public override bool WorksOnSums => true;

    /// <inheritdoc/>
    public double ContributionNorm => Smoothing * Math.Sqrt(2);

    /// <inheritdoc/>
    public int ContributionLength(int length) => length + 1;

    /// <inheritdoc/>
    public float[] Contribute(ReadOnlySpan<float> update, ReadOnlySpan<float> centre)
    {
        var weight = Smoothing / Math.Max(Smoothing, Math.Sqrt(VectorMath.SquaredDistance(update, centre)));
        var contribution = new float[update.Length + 1];
        for (var i = 0; i < update.Length; i++)
        {
            contribution[i] = (float)(((double)update[i] - centre[i]) * weight);
        }

        contribution[^1] = (float)(Smoothing * weight);
        return contribution;
    }

    /// <inheritdoc/>
    public float[] Move(ReadOnlySpan<float> centre, ReadOnlySpan<float> sum, int survivors)
    {
        var moved = centre.ToArray();
        var weights = sum[^1] / Smoothing;

        // No weight left means that everybody is far beyond what the smoothing resolves, or that noise drowned it: the centre stays.
        if (!(weights > 0))
        {
            return moved;
        }

        for (var i = 0; i < moved.Length; i++)
        {
            moved[i] = (float)(centre[i] + (sum[i] / weights));
        }

        return moved;
    }

    private protected override float[] CombineFinite(IReadOnlyList<ReadOnlyMemory<float>> vectors) => SumRuleInTheClear.Run(this, vectors, Steps);
}
