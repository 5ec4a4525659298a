using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>Renyi divergences of events and the epsilon they imply, rounded up.</summary>
/// <remarks>
/// Mironov, arXiv:1702.07476 (divergences add up, also for adaptively chosen events at one fixed order). Each kind's source stands in the class that computes it. Orders are
/// continuous: fractional ones are exact, not interpolated, but where a theorem gives whole orders only.
/// </remarks>
public static class Renyi
{
    private const string Name = "Renyi accounting";

    /// <summary>The largest Renyi divergence of <paramref name="order"/> between neighbours; infinite where there is no bound.</summary>
    /// <exception cref="UnaccountableEventException">The event has no bound of this kind.</exception>
    public static double DivergenceOf(PrivacyEvent released, RenyiOrder order)
    {
        ArgumentNullException.ThrowIfNull(released);
        var alpha = order.Value;
        if (double.IsPositiveInfinity(alpha))
        {
            return PureDp.EpsilonOf(released);
        }

        // Where intermediate results overflow there is no number: what is sampled costs no more than unsampled, and anything no more than its pure epsilon.
        var divergence = Of(released, order);
        return !double.IsNaN(divergence) ? divergence : released is PoissonSampledEvent sampled ? DivergenceOf(sampled.Part, order) : PureDp.EpsilonOf(released);
    }

    /// <summary>The smallest epsilon that the divergences at these orders imply at a delta, rounded up; infinite where there is none.</summary>
    /// <param name="released">Everything that was released.</param>
    /// <param name="delta">May be 0: then only pure events have a finite answer.</param>
    /// <param name="orders">Any orders of at least 1; by default <see cref="RenyiCurve.DefaultOrders"/>. More orders never give a larger epsilon.</param>
    public static double EpsilonAt(PrivacyEvent released, Delta delta, IEnumerable<double>? orders = null) =>
        orders is null && released is RepeatedEvent { Count: > 0 } repeated ? RenyiCurve.Of(repeated.Part).EpsilonAt(delta, repeated.Count) : RenyiCurve.Of(released, orders).EpsilonAt(delta);

    private static double Of(PrivacyEvent released, RenyiOrder order)
    {
        var alpha = order.Value;
        return released switch
        {
            ZeroEvent or PoissonSampledEvent { SamplingRate: 0 } or RepeatedEvent { Count: 0 } => 0,
            NonPrivateEvent => double.PositiveInfinity,
            ExponentialMechanismEvent choice => BoundedRangeRenyi.Divergence(choice.BoundedRange, alpha),
            ClippedLogitDecodingEvent token => BoundedRangeRenyi.Divergence(token.BoundedRange, alpha),
            LaplaceEvent { NoiseMultiplier: >= 1e-300 } noise => AtomicRenyi.Laplace(1 / noise.NoiseMultiplier, alpha),
            DiscreteLaplaceEvent { Scale: >= 1e-200, Sensitivity: <= 10_000 } noise => AtomicRenyi.DiscreteLaplace(noise.Scale, noise.Sensitivity, alpha),
            RandomizedResponseEvent { NoiseProbability: >= 1e-300 } response => AtomicRenyi.Response(response, alpha),
            MixtureOfGaussiansEvent { Sigma: > 0 } mixture => MixtureRenyi.Divergence(mixture, alpha),
            PoissonSampledEvent sampled => Sampled(sampled, alpha),
            RepeatAndSelectEvent selected => Math.Min(RepeatAndSelectRenyi.Divergence(selected, alpha), PureRenyi.Divergence(PureDp.EpsilonOf(selected), alpha)),
            SampledWithoutReplacementEvent sampled => WithoutReplacementRenyi.Divergence(sampled, alpha),
            RepeatedEvent repeated => Rounded.MultiplyUp(DivergenceOf(repeated.Part, order), Rounded.OfUp(repeated.Count)),
            ComposedEvent composed => composed.Parts.Aggregate(0.0, (sum, part) => Rounded.AddUp(sum, DivergenceOf(part, order))),
            ZeroConcentratedEvent or DiscreteGaussianEvent or SumOfDiscreteGaussiansEvent => Rounded.MultiplyUp(ZeroConcentrated.RhoOf(released), alpha),
            _ when GaussianParts.SquaredMu(released) is not null => Rounded.MultiplyUp(ZeroConcentrated.RhoOf(released), alpha),
            _ when PureDp.EpsilonOf(released) is var epsilon && double.IsFinite(epsilon) => PureRenyi.Divergence(epsilon, alpha),
            _ when ZeroConcentrated.Unprotected(released) => double.PositiveInfinity,
            _ => throw new UnaccountableEventException(Name, released),
        };
    }

    private static double Sampled(PoissonSampledEvent sampled, double alpha)
    {
        if (sampled.SamplingRate == 1)
        {
            return DivergenceOf(sampled.Part, new(alpha));
        }

        if (sampled.Relation == NeighbouringRelation.ReplaceOne)
        {
            return SampledRenyi.Masked(DivergenceOf(sampled.Part, new(alpha)), sampled.SamplingRate, alpha);
        }

        return sampled.Part is GaussianEvent { NoiseMultiplier: > 0 } noise
            ? SampledGaussianRenyi.Divergence(sampled.SamplingRate, 1 / noise.NoiseMultiplier, alpha)
            : SampledRenyi.Divergence(sampled, alpha);
    }
}
