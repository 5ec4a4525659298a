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
            PermuteAndFlipEvent choice => choice.Epsilon.Value,
            AboveThresholdEvent test => Rounded.AddUp(test.ThresholdEpsilon.Value, test.TestsEpsilon.Value),
            RandomizedResponseEvent response => OfResponse(response),
            PoissonSampledEvent sampled => OfSampled(sampled),
            SampledWithoutReplacementEvent sampled => Amplified(EpsilonOf(sampled.Part), sampled.Sample / (double)sampled.Population),
            RepeatAndSelectEvent repeated => Rounded.MultiplyUp(EpsilonOf(repeated.Part), 2 + Math.Max(0, repeated.Shape)),
            RepeatedEvent { Count: 0 } => 0,
            RepeatedEvent repeated => Rounded.MultiplyUp(EpsilonOf(repeated.Part), Rounded.OfUp(repeated.Count)),
            ComposedEvent composed => composed.Parts.Aggregate(0.0, (sum, part) => Rounded.AddUp(sum, EpsilonOf(part))),
            _ => double.PositiveInfinity,
        };
    }

    // ln of the largest ratio: truth over other, or truth over uniform and uniform over other.
    private static double OfResponse(RandomizedResponseEvent response)
    {
        double k = response.Buckets, noise = response.NoiseProbability;
        var ratio = 1 + ((1 - noise) * k / noise);
        var bound = response.Relation == NeighbouringRelation.ReplaceOne
            ? Math.Log(ratio)
            : Math.Max(Math.Log(noise + ((1 - noise) * k)), -Math.Log(noise));
        return bound * (1 + (4 * Elementary.RelativeError));
    }

    private static double OfSampled(PoissonSampledEvent sampled) => sampled.Relation == NeighbouringRelation.ReplaceOne
        ? (sampled.SamplingRate == 0 ? 0 : EpsilonOf(sampled.Part))
        : Amplified(EpsilonOf(sampled.Part), sampled.SamplingRate);

    // ln(1 + q (e^epsilon - 1)): Balle, Barthe, Gaboardi, arXiv:1807.01647, Theorems 8 (Poisson, add-or-remove) and 9 (without replacement, replace).
    private static double Amplified(double epsilon, double rate)
    {
        if (rate == 0 || rate == 1 || double.IsInfinity(epsilon))
        {
            return rate == 0 ? 0 : epsilon;
        }

        return epsilon > 30 ? epsilon : Math.Min(epsilon, Elementary.LogOnePlus(rate * Elementary.ExpMinusOne(epsilon)) * (1 + (4 * Elementary.RelativeError)));
    }
}
