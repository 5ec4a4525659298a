using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>The dominating pair of one event in each direction ("remove": with the unit against without; "add": the other way).</summary>
internal static class PairsOf
{
    public const string Name = "Privacy-loss accounting";

    /// <summary>Remove and add; the same object twice where the pair is symmetric.</summary>
    public static (DominatingPair Remove, DominatingPair Add) Event(PrivacyEvent released) => released switch
    {
        PoissonSampledEvent sampled => Sampled(sampled),
        MixtureOfGaussiansEvent { Sigma: > 0 } mixture => TwoWays(new GaussianMixturePair(
            mixture.Sensitivities.Zip(mixture.Probabilities, (s, p) => (s / mixture.Sigma, p)), [(0, 1)])),
        RandomizedResponseEvent response => Response(response),
        _ => Symmetric(released) is var pair ? (pair, pair) : default,
    };

    private static DominatingPair Symmetric(PrivacyEvent released) => released switch
    {
        _ when GaussianParts.SquaredMu(released) is { } square => OfSquaredMu(square),
        LaplaceEvent noise when double.IsFinite(1 / noise.NoiseMultiplier) => new LaplacePair(1 / noise.NoiseMultiplier),
        DiscreteLaplaceEvent noise when double.IsFinite(noise.Sensitivity / noise.Scale) => DiscreteLaplace(noise.Scale, noise.Sensitivity),
        DiscreteGaussianEvent { Sigma: > 0, Dimension: 1 } noise => DiscreteGaussian(noise),
        ExponentialMechanismEvent { BoundedRange: > 0 } choice => new BoundedRangePair(choice.BoundedRange),
        ClippedLogitDecodingEvent { BoundedRange: > 0 } token => new BoundedRangePair(token.BoundedRange),
        ApproximateEvent given => AtomicPair.OfApproximate(given.Epsilon.Value, given.Delta.Value),
        _ when PureDp.EpsilonOf(released) is var epsilon && double.IsFinite(epsilon) => AtomicPair.OfApproximate(epsilon, 0),
        _ when ZeroConcentrated.Unprotected(released) => Unprotected(),
        _ => throw new UnaccountableEventException(Name, released),
    };

    private static DominatingPair OfSquaredMu(double square) =>
        square == 0 ? AtomicPair.OfApproximate(0, 0) : double.IsInfinity(square) ? Unprotected() : new GaussianPair(Math.Sqrt(square));

    private static AtomicPair Unprotected() => new([new(1, 0), new(0, 1)]);

    private static (DominatingPair Remove, DominatingPair Add) TwoWays(DominatingPair remove) => (remove, remove.Swapped());

    private static (DominatingPair Remove, DominatingPair Add) Sampled(PoissonSampledEvent sampled)
    {
        if (sampled.SamplingRate == 0)
        {
            return TwoWays(AtomicPair.OfApproximate(0, 0));
        }

        if (sampled.SamplingRate == 1)
        {
            return Event(sampled.Part);
        }

        if (sampled.Part is GaussianEvent { NoiseMultiplier: > 0 } gaussian)
        {
            return SampledGaussian(sampled, 1 / gaussian.NoiseMultiplier);
        }

        // Sampling theorems for add-or-remove need the pair of the unsampled event under that relation; an absent unit and one that contributes nothing are the same.
        return sampled.Relation == NeighbouringRelation.ReplaceOne
            ? Masked(sampled.Part, sampled.SamplingRate)
            : TwoWays(new PoissonPair(Event(sampled.Part).Remove, sampled.SamplingRate));
    }

    private static (DominatingPair Remove, DominatingPair Add) Masked(PrivacyEvent part, double rate)
    {
        var (remove, add) = Event(part);
        DominatingPair masked = new MaskedPair(remove, rate);
        return (masked, ReferenceEquals(remove, add) ? masked : new MaskedPair(add, rate));
    }

    private static (DominatingPair Remove, DominatingPair Add) SampledGaussian(PoissonSampledEvent sampled, double mu)
    {
        var rate = sampled.SamplingRate;
        if (sampled.Relation != NeighbouringRelation.ReplaceOne)
        {
            return TwoWays(new GaussianMixturePair([(0, 1 - rate), (mu, rate)], [(0, 1)]));
        }

        // A replaced unit contributes +mu/2 in one data set and -mu/2 in the other whenever it is sampled, in both at the same time.
        var pair = new GaussianMixturePair([(0, 1 - rate), (mu / 2, rate)], [(0, 1 - rate), (-mu / 2, rate)]);
        return (pair, pair);
    }

    private static (DominatingPair Remove, DominatingPair Add) Response(RandomizedResponseEvent response)
    {
        double other = response.NoiseProbability / response.Buckets, truth = 1 - response.NoiseProbability + other;
        if (response.Relation == NeighbouringRelation.ReplaceOne)
        {
            var pair = new AtomicPair([new(truth, other), new(other, truth), new((response.Buckets - 2) * other, (response.Buckets - 2) * other)]);
            return (pair, pair);
        }

        var uniform = 1.0 / response.Buckets;
        Masses told = new(truth, uniform), untold = new((response.Buckets - 1) * other, 1 - uniform);
        return (new AtomicPair([told, untold]), new AtomicPair([new(told.Q, told.P), new(untold.Q, untold.P)]));
    }

    private static AtomicPair DiscreteLaplace(double scale, long sensitivity)
    {
        // Losses are sensitivity + 1 distinct values: the tails beyond both centres are one outcome each.
        if (sensitivity > 1_000_000)
        {
            return AtomicPair.OfApproximate(sensitivity / scale, 0);
        }

        double rate = Math.Exp(-1 / scale), tail = 1 / (1 + rate), at = -Elementary.ExpMinusOne(-1 / scale) / (1 + rate);
        var atoms = new List<Masses> { new(tail, tail * Math.Exp(-sensitivity / scale)), new(tail * Math.Exp(-sensitivity / scale), tail) };
        for (var x = 1L; x < sensitivity; x++)
        {
            atoms.Add(new(at * Math.Exp(-x / scale), at * Math.Exp((x - sensitivity) / scale)));
        }

        return new(sensitivity == 0 ? [new(1, 1)] : atoms);
    }

    private static AtomicPair DiscreteGaussian(DiscreteGaussianEvent noise)
    {
        if (noise.L2Sensitivity != Math.Floor(noise.L2Sensitivity) || noise.Sigma > 100_000 || noise.L2Sensitivity > 100_000)
        {
            throw new UnaccountableEventException(Name, noise, "the exact distribution is used for whole sensitivities and sigma up to 100,000; rho is exact enough beyond");
        }

        // Beyond 36 sigma there is less than 1e-280, which is charged as lost.
        var reach = (long)Math.Ceiling(36 * noise.Sigma) + (long)noise.L2Sensitivity;
        return AtomicPair.OfIntegerNoise(DiscreteGaussianMass.Of(noise.Sigma), reach, (long)noise.L2Sensitivity, 1e-280);
    }
}
