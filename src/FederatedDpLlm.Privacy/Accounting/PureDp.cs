using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>Accounting in pure epsilon (delta 0), rounded up: losses add (Dwork, Roth, "Algorithmic Foundations", Theorem 3.16).</summary>
public static class PureDp
{
    /// <summary>The pure epsilon of an event; infinite where it has none (Gaussian noise, for instance).</summary>
    public static double EpsilonOf(PrivacyEvent released)
    {
        ArgumentNullException.ThrowIfNull(released);
        return released switch
        {
            ZeroEvent => 0,
            PureEvent given => given.Epsilon.Value,
            ApproximateEvent { Delta.Value: 0 } given => given.Epsilon.Value,
            ZeroConcentratedEvent { Rho.Value: 0 } => 0,
            ExponentialMechanismEvent choice => choice.BoundedRange,
            ClippedLogitDecodingEvent token => token.BoundedRange,
            LaplaceEvent noise => Rounded.DivideUp(1, noise.NoiseMultiplier),
            DiscreteLaplaceEvent { Sensitivity: 0 } => 0,
            DiscreteLaplaceEvent noise => Rounded.DivideUp(Rounded.OfUp(noise.Sensitivity), noise.Scale),
            RepeatedEvent { Count: 0 } => 0,
            RepeatedEvent repeated => Rounded.MultiplyUp(EpsilonOf(repeated.Part), Rounded.OfUp(repeated.Count)),
            ComposedEvent composed => composed.Parts.Aggregate(0.0, (sum, part) => Rounded.AddUp(sum, EpsilonOf(part))),
            _ => double.PositiveInfinity,
        };
    }
}
