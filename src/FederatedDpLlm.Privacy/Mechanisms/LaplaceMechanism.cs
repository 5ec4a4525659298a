using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Mechanisms;

/// <summary>
/// Discrete Laplace noise on whole numbers (a count, a histogram, a sum of whole weights) of bounded L1 sensitivity: pure epsilon, exact.
/// </summary>
/// <remarks>Ghosh, Roughgarden, Sundararajan, STOC 2009; sampler: <see cref="DiscreteLaplaceSampler"/>. Real numbers are rounded to a public grid by the caller first.</remarks>
public sealed class LaplaceMechanism : IMechanism
{
    private const int OnStack = 64;
    private readonly DiscreteLaplaceSampler _noise;

    private LaplaceMechanism(DiscreteLaplaceSampler noise, L1Sensitivity sensitivity)
    {
        _noise = noise;
        Event = new DiscreteLaplaceEvent(noise.Scale, sensitivity.Value, sensitivity.Relation);
    }

    /// <inheritdoc/>
    public PrivacyEvent Event { get; }

    /// <summary>b, in whole steps.</summary>
    public double Scale => _noise.Scale;

    /// <summary>At most the epsilon that was asked for.</summary>
    public Epsilon Epsilon => new(PureDp.EpsilonOf(Event));

    /// <summary>The least noise that keeps pure epsilon.</summary>
    /// <param name="epsilon">Above 0; sensitivity/epsilon is at most 2^32 - 1.</param>
    /// <param name="sensitivity">Of all numbers that are released together.</param>
    public static LaplaceMechanism ForEpsilon(Epsilon epsilon, L1Sensitivity sensitivity)
    {
        Require.Positive(epsilon.Value, nameof(epsilon));

        // A few units up, so that the division back, rounded up, does not pass the promise.
        return new(DiscreteLaplaceSampler.AtLeast(sensitivity.Value / epsilon.Value * (1 + 1e-15)), sensitivity);
    }

    /// <summary>The number with noise; it saturates at the ends of 64 bits.</summary>
    public long Release(long value, ISecureRandom random)
    {
        Release([value], MemoryMarshal.CreateSpan(ref value, 1), random);
        return value;
    }

    /// <summary>The numbers with noise of their own each; they saturate at the ends of 64 bits. One release, however many.</summary>
    /// <param name="values">Their sensitivity is that of the mechanism, all together.</param>
    /// <param name="noisy">As many; may be the same span.</param>
    /// <param name="random">The source of the noise.</param>
    public void Release(ReadOnlySpan<long> values, Span<long> noisy, ISecureRandom random)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(noisy.Length, values.Length, nameof(noisy));
        var noise = values.Length <= OnStack ? stackalloc long[values.Length] : GC.AllocateUninitializedArray<long>(values.Length, pinned: true);
        _noise.Fill(noise, random);
        for (var i = 0; i < values.Length; i++)
        {
            noisy[i] = (long)Int128.Clamp((Int128)values[i] + noise[i], long.MinValue, long.MaxValue);
        }

        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(noise));
    }
}
