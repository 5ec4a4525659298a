using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Mechanisms;

/// <summary>
/// A private choice that is never worse than the exponential mechanism at the same pure epsilon, exact: visit the candidates in random order and take one with probability
/// exp((score - best)/beta). It has no bounded range, so for many choices the exponential mechanism composes better.
/// </summary>
/// <remarks>McKenna, Sheldon, arXiv:2010.12603, Algorithm 1; better once while fewer than about epsilon^2/(8 rho) choices are made.</remarks>
public sealed class PermuteAndFlip : IMechanism
{
    private const int GridBits = 40;
    private const double LargestEpsilon = 1 << 20;
    private readonly ulong _epsilonOnGrid;
    private readonly UInt128 _denominator;

    private PermuteAndFlip(ulong epsilonOnGrid, NeighbouringRelation relation, long largestWeight)
    {
        _epsilonOnGrid = epsilonOnGrid;

        // beta = range/epsilon: scores are monotone in the data unless a unit is replaced.
        _denominator = ((relation == NeighbouringRelation.ReplaceOne ? (UInt128)2 : 1) * (UInt128)largestWeight) << GridBits;
        Event = new PermuteAndFlipEvent(new(epsilonOnGrid / (double)(1UL << GridBits)), relation);
    }

    /// <summary>What one <see cref="Choose"/> releases.</summary>
    public PrivacyEvent Event { get; }

    /// <summary>A choice of pure epsilon at most <paramref name="epsilon"/>.</summary>
    public static PermuteAndFlip ForEpsilon(Epsilon epsilon, NeighbouringRelation relation, long largestWeight = 1) =>
        new((ulong)Math.Floor(Math.Min(epsilon.Value, LargestEpsilon) * (1UL << GridBits)), relation, Require.AtLeast(1, largestWeight));

    /// <summary>The index of the chosen candidate.</summary>
    /// <param name="scores">One per public candidate, at least one.</param>
    /// <param name="random">The source of all randomness of the choice.</param>
    public int Choose(ReadOnlySpan<long> scores, ISecureRandom random)
    {
        ArgumentOutOfRangeException.ThrowIfZero(scores.Length, nameof(scores));
        var best = scores[0];
        var order = new int[scores.Length];
        for (var i = 0; i < scores.Length; i++)
        {
            best = Math.Max(best, scores[i]);
            order[i] = i;
        }

        var words = new RandomWords(random, stackalloc ulong[32]);
        for (var left = order.Length; ; left--)
        {
            // The best candidate always flips heads, so the last one left cannot be passed over.
            var at = (int)words.Below((ulong)left);
            if (ExactBernoulli.ExpMinus((UInt128)((Int128)best - scores[order[at]]) * _epsilonOnGrid, _denominator, ref words))
            {
                words.Wipe();
                return order[at];
            }

            order[at] = order[left - 1];
        }
    }
}
