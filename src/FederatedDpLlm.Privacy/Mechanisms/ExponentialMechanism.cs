using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Mechanisms;

/// <summary>
/// A private choice among public candidates by integer scores (vote counts): candidate i is chosen with probability exactly proportional to
/// exp(score(i)/beta). The same distribution as adding Gumbel(beta) noise and taking the maximum, without any floating-point number to leak through.
/// </summary>
/// <remarks>
/// References: McSherry, Talwar, FOCS 2007; Durfee, Rogers, arXiv:1905.04273 (bounded range eta, which is also the pure epsilon); Mironov, CCS 2012 (why no floats).
/// <para>Parameters: eta is a multiple of 2^-40, at most 2^20; scores are any 64-bit integers; one unit weighs at most largestWeight.</para>
/// <para>The number of draws depends on the scores: whoever can time <see cref="Choose"/> finely learns more than the choice.</para>
/// </remarks>
public sealed class ExponentialMechanism : IMechanism
{
    private const int GridBits = 40;
    private const int BlockWords = 32;
    private const double LargestEta = 1 << 20;
    private readonly ulong _etaOnGrid;
    private readonly UInt128 _denominator;

    private ExponentialMechanism(ulong etaOnGrid, NeighbouringRelation relation, long largestWeight)
    {
        _etaOnGrid = etaOnGrid;

        // 1/beta = eta / range: a replaced unit takes its weight from one candidate and gives it to another, one that is absent or abstains only takes.
        var range = (relation == NeighbouringRelation.ReplaceOne ? (UInt128)2 : 1) * (UInt128)largestWeight;
        _denominator = range << GridBits;
        Eta = etaOnGrid / (double)(1UL << GridBits);
        Beta = etaOnGrid == 0 ? double.PositiveInfinity : (double)range / Eta;
        Event = new ExponentialMechanismEvent(Eta, relation);
    }

    /// <summary>eta: the range of the change of score/beta between neighbours.</summary>
    public double Eta { get; }

    /// <summary>The scale of the noise, in units of score; infinite (a uniform choice) where eta is 0.</summary>
    public double Beta { get; }

    /// <summary>What one <see cref="Choose"/> releases.</summary>
    public PrivacyEvent Event { get; }

    /// <summary>The pure epsilon of one choice: at most the one asked for.</summary>
    public Epsilon Epsilon => new(Eta);

    /// <summary>eta^2/8, rounded up.</summary>
    public Rho Rho => new(ZeroConcentrated.RhoOf(Event));

    /// <summary>A choice of pure epsilon at most <paramref name="epsilon"/> (rounded down to the grid of eta).</summary>
    /// <param name="epsilon">Per choice.</param>
    /// <param name="relation">How neighbours differ; patients that share a shard make it <see cref="NeighbouringRelation.ReplaceOne"/>.</param>
    /// <param name="largestWeight">The most that one unit adds to one score, at least 1.</param>
    public static ExponentialMechanism ForEpsilon(Epsilon epsilon, NeighbouringRelation relation, long largestWeight = 1)
    {
        Require.AtLeast(1, largestWeight);
        return new((ulong)Math.Floor(Math.Min(epsilon.Value, LargestEta) * (1UL << GridBits)), relation, largestWeight);
    }

    /// <summary>The index of the chosen candidate.</summary>
    /// <param name="scores">One per public candidate, at least one.</param>
    /// <param name="random">The source of all randomness of the choice.</param>
    public int Choose(ReadOnlySpan<long> scores, ISecureRandom random)
    {
        ArgumentOutOfRangeException.ThrowIfZero(scores.Length, nameof(scores));
        var best = scores[0];
        foreach (var score in scores)
        {
            best = Math.Max(best, score);
        }

        // Rejection: propose uniformly, accept with probability exp(-(best - score)/beta). At most scores.Length proposals are expected.
        var words = new RandomWords(random, stackalloc ulong[BlockWords]);
        while (true)
        {
            var proposed = (int)words.Below((ulong)scores.Length);
            var gap = (UInt128)((Int128)best - scores[proposed]);
            if (ExactBernoulli.ExpMinus(gap * _etaOnGrid, _denominator, ref words))
            {
                words.Wipe();
                return proposed;
            }
        }
    }
}
