using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Mechanisms;

/// <summary>One answer out of k, made private by whoever gives it: the truth, or with a known probability an answer drawn uniformly from all k.</summary>
/// <remarks>Warner, JASA 1965; Kairouz, Oh, Viswanath, arXiv:1407.1338 (k answers). Parameters: the probability is a multiple of 2^-53 and is kept exactly.</remarks>
public sealed class RandomizedResponse : IMechanism
{
    private const int GridBits = 53;
    private readonly ulong _noiseOnGrid;

    private RandomizedResponse(ulong noiseOnGrid, int buckets, NeighbouringRelation relation)
    {
        _noiseOnGrid = noiseOnGrid;
        Buckets = buckets;
        Event = EventOf(noiseOnGrid, buckets, relation);
    }

    /// <inheritdoc/>
    public PrivacyEvent Event { get; }

    /// <summary>k.</summary>
    public int Buckets { get; }

    /// <summary>The chance of a uniform answer.</summary>
    public double NoiseProbability => Math.ScaleB(_noiseOnGrid, -GridBits);

    /// <summary>At most the epsilon that was asked for.</summary>
    public Epsilon Epsilon => new(PureDp.EpsilonOf(Event));

    /// <summary>The least noise that keeps pure epsilon.</summary>
    /// <param name="epsilon">At least 0, at most 30 (beyond, the grid of probabilities ends).</param>
    /// <param name="buckets">k, at least 2.</param>
    /// <param name="relation">Replace-one: another truth; replace-by-nothing: a uniform answer instead of a truth.</param>
    public static RandomizedResponse ForEpsilon(Epsilon epsilon, int buckets, NeighbouringRelation relation)
    {
        Require.AtLeast(2, buckets);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(epsilon.Value, 30, nameof(epsilon));

        // The smallest probability on the grid whose cost, rounded up, keeps the promise; certain noise costs nothing.
        ulong low = 0, high = 1UL << GridBits;
        while (high - low > 1)
        {
            var middle = low + ((high - low) / 2);
            (low, high) = PureDp.EpsilonOf(EventOf(middle, buckets, relation)) <= epsilon.Value ? (low, middle) : (middle, high);
        }

        return new(high, buckets, relation);
    }

    /// <summary>The answer to give instead of <paramref name="truth"/>.</summary>
    /// <param name="truth">At least 0, below <see cref="Buckets"/>.</param>
    /// <param name="random">The source of the noise.</param>
    public int Respond(int truth, ISecureRandom random)
    {
        Span<int> one = [truth];
        Respond(one, one, random);
        return one[0];
    }

    /// <summary>Answers of many who answer once each; the draws do not depend on the truths.</summary>
    /// <param name="truths">Each at least 0, below <see cref="Buckets"/>.</param>
    /// <param name="answers">As many; may be the same span.</param>
    /// <param name="random">The source of the noise.</param>
    public void Respond(ReadOnlySpan<int> truths, Span<int> answers, ISecureRandom random)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(answers.Length, truths.Length, nameof(answers));
        var words = new RandomWords(random, stackalloc ulong[64]);
        for (var i = 0; i < truths.Length; i++)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(truths[i], nameof(truths));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(truths[i], Buckets, nameof(truths));
            var isNoise = words.Next() >> (64 - GridBits) < _noiseOnGrid;
            var uniform = (int)words.Below((ulong)Buckets);
            answers[i] = isNoise ? uniform : truths[i];
        }

        words.Wipe();
    }

    /// <summary>Unbiased estimates of how many truths were in each bucket, from how many answers were.</summary>
    /// <param name="answered">Of each bucket.</param>
    /// <exception cref="InvalidOperationException">All answers are noise: nothing can be told.</exception>
    public double[] EstimateTruths(ReadOnlySpan<long> answered)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(answered.Length, Buckets, nameof(answered));
        if (NoiseProbability == 1)
        {
            throw new InvalidOperationException("All answers are noise at epsilon 0: nothing can be estimated from them.");
        }

        var total = 0.0;
        foreach (var count in answered)
        {
            total += count;
        }

        var estimates = new double[Buckets];
        for (var i = 0; i < Buckets; i++)
        {
            estimates[i] = (answered[i] - (total * NoiseProbability / Buckets)) / (1 - NoiseProbability);
        }

        return estimates;
    }

    private static RandomizedResponseEvent EventOf(ulong noiseOnGrid, int buckets, NeighbouringRelation relation) => new(Math.ScaleB(noiseOnGrid, -GridBits), buckets, relation);
}
