namespace FederatedDpLlm.SecureAggregation.Robust;

/// <summary>
/// centre + mean of the differences to it, each clipped to a radius: an attacker moves the result by at most radius / n a step, whatever it sends.
/// Reference: Karimireddy, He, Jaggi, "Learning from history for Byzantine robust optimization", ICML 2021, section 4.
/// Inside a secure sum the clipping is the hospital's own: a hospital that breaks the protocol is bounded by the width of the quantised values only, since no
/// proof of the norm is asked for.
/// </summary>
/// <param name="Radius">tau, in the update's unit.</param>
/// <param name="Steps">How often the centre is moved.</param>
public sealed record CentredClipping(double Radius, int Steps = 1) : RobustRule, ISumRule
{
    /// <summary>tau, above 0.</summary>
    public double Radius { get; } = VectorMath.RequirePositive(Radius, nameof(Radius));

    /// <summary>At least 1.</summary>
    public int Steps { get; } = (int)VectorMath.RequirePositive(Steps, nameof(Steps));

    /// <inheritdoc/>
    public override bool WorksOnSums => true;

    /// <inheritdoc/>
    public double ContributionNorm => Radius;

    /// <inheritdoc/>
    public int ContributionLength(int length) => length;

    /// <inheritdoc/>
    public float[] Contribute(ReadOnlySpan<float> update, ReadOnlySpan<float> centre)
    {
        var distance = Math.Sqrt(VectorMath.SquaredDistance(update, centre));
        var factor = distance <= Radius ? 1 : Radius / distance;
        var contribution = new float[update.Length];
        for (var i = 0; i < contribution.Length; i++)
        {
            contribution[i] = (float)(((double)update[i] - centre[i]) * factor);
        }

        return contribution;
    }

    /// <inheritdoc/>
    public float[] Move(ReadOnlySpan<float> centre, ReadOnlySpan<float> sum, int survivors)
    {
        var moved = new float[centre.Length];
        for (var i = 0; i < moved.Length; i++)
        {
            moved[i] = (float)(centre[i] + ((double)sum[i] / survivors));
        }

        return moved;
    }

    private protected override float[] CombineFinite(IReadOnlyList<ReadOnlyMemory<float>> vectors) => SumRuleInTheClear.Run(this, vectors, Steps);
}
