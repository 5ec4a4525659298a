using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// One choice by the exponential mechanism, P(v) proportional to exp(score(v)/beta); the same as the report-noisy-max with Gumbel(beta) noise.
/// </summary>
/// <remarks>McSherry, Talwar, FOCS 2007; bounded range: Durfee, Rogers, arXiv:1905.04273.</remarks>
public sealed record ExponentialMechanismEvent : PrivacyEvent
{
    /// <param name="boundedRange">eta, at least 0: the range over the candidates of the change of score(v)/beta between neighbours.</param>
    /// <param name="relation">The relation under which eta holds.</param>
    public ExponentialMechanismEvent(double boundedRange, NeighbouringRelation relation)
        : base(relation) => BoundedRange = Require.NotNegative(boundedRange);

    /// <summary>Gumbel noise of scale <paramref name="beta"/> on counts where a unit weighs at most <paramref name="largestWeight"/>.</summary>
    public static ExponentialMechanismEvent ForVotes(double beta, double largestWeight, NeighbouringRelation relation)
    {
        Require.Positive(beta);
        Require.NotNegative(largestWeight);

        // A replaced unit takes its weight from one candidate and gives it to another; one that is absent or abstains only takes.
        var range = relation == NeighbouringRelation.ReplaceOne ? 2 * largestWeight : largestWeight;
        return new(Rounded.DivideUp(range, beta), relation);
    }

    /// <summary>eta, in natural-log units; also the pure epsilon.</summary>
    public double BoundedRange { get; }
}
