using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Mechanisms;

/// <summary>
/// Discrete Laplace noise on a whole number (a count, a sum of whole weights) of bounded sensitivity: pure epsilon, exact.
/// </summary>
/// <remarks>Ghosh, Roughgarden, Sundararajan, STOC 2009; sampler: <see cref="DiscreteLaplaceSampler"/>. Real numbers are rounded to a public grid by the caller first.</remarks>
public sealed class LaplaceMechanism
{
    private readonly DiscreteLaplaceSampler _noise;

    private LaplaceMechanism(DiscreteLaplaceSampler noise, long sensitivity, NeighbouringRelation relation)
    {
        _noise = noise;
        Event = new DiscreteLaplaceEvent(noise.Scale, sensitivity, relation);
    }

    /// <summary>What one <see cref="Release"/> releases.</summary>
    public PrivacyEvent Event { get; }

    /// <summary>b, in whole steps.</summary>
    public double Scale => _noise.Scale;

    /// <summary>At most the epsilon that was asked for.</summary>
    public Epsilon Epsilon => new(PureDp.EpsilonOf(Event));

    /// <summary>The least noise that keeps pure epsilon.</summary>
    /// <param name="epsilon">Above 0; sensitivity/epsilon is at most 2^32 - 1.</param>
    /// <param name="sensitivity">The most that one unit changes the number, at least 1.</param>
    /// <param name="relation">The relation of the sensitivity.</param>
    public static LaplaceMechanism ForEpsilon(Epsilon epsilon, long sensitivity, NeighbouringRelation relation)
    {
        Require.AtLeast(1, sensitivity);
        Require.Positive(epsilon.Value, nameof(epsilon));

        // A few units up, so that the division back, rounded up, does not pass the promise.
        return new(DiscreteLaplaceSampler.AtLeast(sensitivity / epsilon.Value * (1 + 1e-15)), sensitivity, relation);
    }

    /// <summary>The number with noise; it saturates at the ends of 64 bits.</summary>
    public long Release(long value, ISecureRandom random)
    {
        var noisy = (Int128)value + _noise.Sample(random);
        return (long)Int128.Clamp(noisy, long.MinValue, long.MaxValue);
    }
}
