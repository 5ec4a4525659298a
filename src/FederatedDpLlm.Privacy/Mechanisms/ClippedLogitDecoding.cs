using System.Buffers;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Numerics;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Mechanisms;

/// <summary>
/// Private decoding, token by token: sample from softmax((public + mean of clip(voter - public, -C, C)) / tau) over a fixed number of voters.
/// </summary>
/// <remarks>
/// References: InvisibleInk (Vinod, Pillutla, Thakurta, arXiv:2507.02974); Amin et al., arXiv:2407.12108.
/// <para>Parameters: clipped differences are integers in steps of 2^-24 nats, a public and fixed grid, so sums may travel and do not depend on the order. C is a
/// multiple of the step with at most 24 significant bits, at most 64 nats. A candidate whose score lies more than 40 tau below the best is lifted to that
/// floor (a clamp keeps the sensitivity), so every candidate keeps a weight of at least e^-40 of the best one's.</para>
/// <para>Sampling: weights are integers within 2^-42 of exp(score/tau), relatively (x = gap times step/(s tau) as a double: 40 times 2^-51; <see cref="FixedPointExp"/>:
/// 2^-44 + 2^-49 + 2^-57, and 2^-46 for the floor of 2^-104 at x = 40), and one is drawn exactly in proportion. A relative error of xi in every weight adds at most 4 xi to
/// the bounded range; <see cref="ClippedLogitDecodingEvent.SamplingAllowance"/> charges it. There is no failure probability.</para>
/// </remarks>
public sealed class ClippedLogitDecoding
{
    private const double LargestClip = 64;
    private const double Floor = 40;
    private const double LargestPublicGap = 1 << 16;
    private const int MostVoters = 1 << 16;
    private readonly int _clipSteps;
    private readonly double _natsPerStep;
    private readonly long _floorSteps;
    private readonly ClippedLogitDecodingEvent _token;

    private ClippedLogitDecoding(int clipSteps, int maxTokens, int voters, double temperature, NeighbouringRelation relation)
    {
        _clipSteps = clipSteps;
        MaxTokens = maxTokens;
        _natsPerStep = 1 / (LogitGrid.Scale * (double)voters * temperature);
        _floorSteps = (long)Math.Min(Floor / _natsPerStep, long.MaxValue / 4);
        _token = new(clipSteps / (double)LogitGrid.Scale, voters, temperature, relation);
        RhoPerToken = new(ZeroConcentrated.RhoOf(_token));
    }

    /// <summary>C, in nats of logit.</summary>
    public double ClipNorm => _token.ClipNorm;

    /// <summary>rho of one token, rounded up.</summary>
    public Rho RhoPerToken { get; }

    /// <summary>The number of tokens for which the promise was calibrated.</summary>
    public int MaxTokens { get; }

    /// <summary>s, the seats, whether or not they speak.</summary>
    public int Voters => _token.Voters;

    /// <summary>tau.</summary>
    public double Temperature => _token.Temperature;

    /// <summary>
    /// The largest C with which <paramref name="maxTokens"/> tokens cost at most <paramref name="epsilon"/> on an account of <see cref="Currency.Basic"/> at this
    /// delta, and so at most RhoFor(epsilon, delta) on one of <see cref="Currency.ZeroConcentrated"/>.
    /// </summary>
    /// <param name="epsilon">For the whole answer.</param>
    /// <param name="delta">Above 0.</param>
    /// <param name="maxTokens">At least 1.</param>
    /// <param name="voters">At least 1, at most 65,536.</param>
    /// <param name="temperature">At least 2^-10, at most 2^10.</param>
    /// <param name="relation">How neighbours differ.</param>
    /// <exception cref="ArgumentOutOfRangeException">A parameter is out of range, or epsilon is too small for any C on the grid.</exception>
    public static ClippedLogitDecoding ForEpsilon(Epsilon epsilon, Delta delta, int maxTokens, int voters, double temperature, NeighbouringRelation relation)
    {
        Require.AtLeast(1, maxTokens);
        if (Require.AtLeast(1, voters) > MostVoters)
        {
            throw new ArgumentOutOfRangeException(nameof(voters), voters, $"At most {MostVoters} voters.");
        }

        if (!(temperature is >= 1.0 / 1024 and <= 1024))
        {
            throw new ArgumentOutOfRangeException(nameof(temperature), temperature, "The temperature of private decoding lies between 2^-10 and 2^10; 0 is refused.");
        }

        // The formula's C, then down along the grid until the rounded-up account agrees.
        var affordable = new BasicCurrency(delta).RhoFor(epsilon).Value;
        var range = Math.Sqrt(8 * affordable / maxTokens);
        var clip = range * voters * temperature / (relation == NeighbouringRelation.ReplaceOne ? 4 : 2);
        for (var steps = Representable(Math.Min(clip, LargestClip) * LogitGrid.Scale); steps > 0; steps = Representable(Math.Min(steps - 1, steps * (1 - 1e-7))))
        {
            var decoding = new ClippedLogitDecoding(steps, maxTokens, voters, temperature, relation);
            if (ZeroConcentrated.RhoOf(decoding.Event(maxTokens)) <= affordable)
            {
                return decoding;
            }
        }

        throw new ArgumentOutOfRangeException(nameof(epsilon), epsilon, "This epsilon leaves no clip norm on the grid of 2^-24 nats for so many tokens and so few voters.");
    }

    /// <summary>What <paramref name="tokens"/> tokens release.</summary>
    /// <param name="tokens">At least 0; may exceed <see cref="MaxTokens"/>, and then costs more than was promised.</param>
    public PrivacyEvent Event(int tokens) => new RepeatedEvent(_token, tokens);

    /// <summary>Adds one voter's clipped differences to the sums. Order does not matter; NaN (an entry that the voter did not give) counts as -C.</summary>
    /// <param name="voterLogits">One per candidate.</param>
    /// <param name="publicLogits">The public model's logits on the same prompt and tokens.</param>
    /// <param name="clippedSum">In steps of 2^-24 nats; zero before the first voter.</param>
    public void Add(ReadOnlySpan<float> voterLogits, ReadOnlySpan<float> publicLogits, Span<long> clippedSum)
    {
        SameLength(publicLogits.Length, voterLogits.Length, nameof(voterLogits));
        SameLength(publicLogits.Length, clippedSum.Length, nameof(clippedSum));
        LogitGrid.AddClipped(voterLogits, publicLogits, clippedSum, _clipSteps);
    }

    /// <summary>The index of the sampled candidate.</summary>
    /// <param name="publicLogits">Minus infinity cuts a candidate; cut only by public rules. At least one is finite.</param>
    /// <param name="clippedSum">The sum over all voters; entries beyond what <see cref="Voters"/> voters can reach are clamped to it.</param>
    /// <param name="random">The source of all randomness of the token.</param>
    public int Sample(ReadOnlySpan<float> publicLogits, ReadOnlySpan<long> clippedSum, ISecureRandom random)
    {
        ArgumentNullException.ThrowIfNull(random);
        SameLength(publicLogits.Length, clippedSum.Length, nameof(clippedSum));
        var scores = ArrayPool<long>.Shared.Rent(publicLogits.Length);
        var cumulative = ArrayPool<UInt128>.Shared.Rent(publicLogits.Length);
        try
        {
            var best = Score(publicLogits, clippedSum, scores);
            var total = Accumulate(scores.AsSpan(0, publicLogits.Length), best, cumulative);
            var words = new RandomWords(random, stackalloc ulong[4]);
            var index = IndexOf(words.Below(total), cumulative.AsSpan(0, publicLogits.Length));
            words.Wipe();
            return index;
        }
        finally
        {
            ArrayPool<long>.Shared.Return(scores, clearArray: true);
            ArrayPool<UInt128>.Shared.Return(cumulative, clearArray: true);
        }
    }

    // s times (public + mean), in steps: the public part relative to its maximum, so it fits. long.MinValue marks a cut candidate.
    private long Score(ReadOnlySpan<float> publicLogits, ReadOnlySpan<long> clippedSum, long[] scores)
    {
        var highest = Highest(publicLogits);
        var reach = (long)_clipSteps * Voters;
        var best = long.MinValue;
        for (var i = 0; i < publicLogits.Length; i++)
        {
            scores[i] = float.IsNegativeInfinity(publicLogits[i])
                ? long.MinValue
                : (Steps(publicLogits[i] - (double)highest) * Voters) + Math.Clamp(clippedSum[i], -reach, reach);
            best = Math.Max(best, scores[i]);
        }

        return best;
    }

    private UInt128 Accumulate(ReadOnlySpan<long> scores, long best, UInt128[] cumulative)
    {
        UInt128 total = 0;
        for (var i = 0; i < scores.Length; i++)
        {
            if (scores[i] != long.MinValue)
            {
                var x = Math.Min(best - scores[i], _floorSteps) * _natsPerStep;
                total += FixedPointExp.Minus((ulong)(x * (1L << FixedPointExp.InputBits)));
            }

            cumulative[i] = total;
        }

        return total;
    }

    // The first whose cumulative weight exceeds the draw: cut candidates add nothing and are never first. Every entry is looked at, whatever the draw.
    private static int IndexOf(UInt128 drawn, ReadOnlySpan<UInt128> cumulative)
    {
        var index = 0;
        foreach (var upTo in cumulative)
        {
            index += upTo <= drawn ? 1 : 0;
        }

        return index;
    }

    private static float Highest(ReadOnlySpan<float> publicLogits)
    {
        var highest = float.NegativeInfinity;
        foreach (var logit in publicLogits)
        {
            if (float.IsNaN(logit) || float.IsPositiveInfinity(logit))
            {
                throw new ArgumentException("A public logit is a number or minus infinity (cut).", nameof(publicLogits));
            }

            highest = Math.Max(highest, logit);
        }

        return float.IsNegativeInfinity(highest)
            ? throw new ArgumentException("Every candidate was cut: there is nothing to sample from.", nameof(publicLogits))
            : highest;
    }

    private static long Steps(double nats) => (long)Math.Round(Math.Max(nats, -LargestPublicGap) * LogitGrid.Scale);

    // At most 24 significant bits, so that the clip is exact as a float.
    private static int Representable(double steps)
    {
        var whole = (int)steps;
        var excess = Math.Max(0, 8 - System.Numerics.BitOperations.LeadingZeroCount((uint)whole));
        return whole >> excess << excess;
    }

    private static void SameLength(int expected, int actual, string name)
    {
        if (expected != actual)
        {
            throw new ArgumentException($"One entry per candidate: {expected} were expected, {actual} given.", name);
        }
    }
}
