using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>Renyi divergences of events (Mironov, arXiv:1702.07476), rounded up.</summary>
public static class Renyi
{
    private const string Name = "Renyi accounting";

    /// <summary>The largest Renyi divergence of <paramref name="order"/> between neighbours; infinite where there is no bound.</summary>
    /// <exception cref="UnaccountableEventException">The event has no bound of this kind.</exception>
    public static double DivergenceOf(PrivacyEvent released, RenyiOrder order)
    {
        ArgumentNullException.ThrowIfNull(released);
        return released switch
        {
            ZeroEvent => 0,
            NonPrivateEvent => double.PositiveInfinity,
            PureEvent given => PureRenyi.Divergence(given.Epsilon.Value, order.Value),
            ExponentialMechanismEvent choice => BoundedRangeRenyi.Divergence(choice.BoundedRange, order.Value),
            ClippedLogitDecodingEvent token => BoundedRangeRenyi.Divergence(token.BoundedRange, order.Value),
            RepeatedEvent { Count: 0 } => 0,
            RepeatedEvent repeated => Rounded.MultiplyUp(DivergenceOf(repeated.Part, order), Rounded.OfUp(repeated.Count)),
            ComposedEvent composed => composed.Parts.Aggregate(0.0, (sum, part) => Rounded.AddUp(sum, DivergenceOf(part, order))),
            ApproximateEvent => throw new UnaccountableEventException(Name, released),
            _ => Rounded.MultiplyUp(ZeroConcentrated.RhoOf(released), order.Value),
        };
    }
}
