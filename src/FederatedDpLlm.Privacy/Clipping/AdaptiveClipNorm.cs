using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Mechanisms;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Clipping;

/// <summary>A clip norm that follows a quantile of the units' norms, learned from noisy counts: one more release a step, with an event of its own.</summary>
/// <remarks>
/// Andrew, Thakkar, McMahan, Ramaswamy, arXiv:1905.03871, Algorithm 1 (geometric update). Each unit counts +1 where its norm is within the clip norm and -1 where it is not, so one that is added, removed or silent moves the sum by 1 and a replaced one by 2;
/// the paper's sigma_b on a sum of 0 and 1 is half the noise here. The next norm is computed from released numbers only, so it costs nothing more.
/// </remarks>
public sealed class AdaptiveClipNorm : IMechanism
{
    private readonly GaussianMechanism _count;
    private readonly double _quantile;
    private readonly double _learningRate;
    private readonly long _expectedUnits;

    /// <param name="initial">The first norm: above 0.</param>
    /// <param name="quantile">The share of units whose norm is to be within the clip norm (gamma): between 0 and 1; the paper's default is 0.5.</param>
    /// <param name="expectedUnits">Units a step that the sum is divided by: public, at least 1. The true number is not used, as it may be private.</param>
    /// <param name="noiseMultiplier">Of the count, over its sensitivity: above 0. The paper takes a twentieth of the units for sigma_b, so a tenth here under add-or-remove.</param>
    /// <param name="relation">How the two inputs differ.</param>
    /// <param name="learningRate">eta: above 0; the paper's default is 0.2.</param>
    public AdaptiveClipNorm(double initial, double quantile, long expectedUnits, double noiseMultiplier, NeighbouringRelation relation, double learningRate = 0.2)
    {
        ClipNorm = Require.Positive(initial);
        _quantile = Require.Probability(quantile);
        _expectedUnits = Require.AtLeast(1, expectedUnits);
        _learningRate = Require.Positive(learningRate);
        _count = GaussianMechanism.OfNoiseMultiplier(noiseMultiplier, new(relation == NeighbouringRelation.ReplaceOne ? 2 : 1, relation), dimension: 1);
    }

    /// <summary>C of the coming step.</summary>
    public double ClipNorm { get; private set; }

    /// <summary>What one <see cref="Update"/> releases.</summary>
    public PrivacyEvent Event => _count.Event;

    /// <summary>Moves the norm by what one step's units had: up by e^(eta gamma) at most, down by e^(-eta (1 - gamma)).</summary>
    /// <param name="within">Units whose norm before clipping was at most <see cref="ClipNorm"/>.</param>
    /// <param name="units">Units of the step, at least <paramref name="within"/>.</param>
    /// <param name="random">The source of the noise.</param>
    public void Update(long within, long units, ISecureRandom random)
    {
        Require.AtLeast(0, within);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(within, units);
        Span<double> sum = [within - (double)(units - within)];
        _count.Release(sum, sum, random);
        var share = Math.Clamp(((sum[0] / _expectedUnits) + 1) / 2, 0, 1);
        ClipNorm = Math.Clamp(ClipNorm * Math.Exp(-_learningRate * (share - _quantile)), 1e-30, 1e30);
    }
}
