using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// Accounting in rho (zCDP): what an event costs, and the tight way between rho and (epsilon, delta). Every result is rounded to the safe side: rho and
/// epsilon of something released up, a budget down.
/// </summary>
/// <remarks>
/// References: Bun, Steinke, arXiv:1605.02065 (composition: Lemma 1.7; pure DP: Proposition 1.4); Canonne, Kamath, Steinke, arXiv:2004.00010, Corollary 13
/// (conversion; also there: discrete noise costs no more than continuous); Cesar, Rogers, arXiv:2004.07223 (a bounded range of eta is eta^2/8-zCDP). Adaptively chosen events: a sum of rho that is kept
/// below a bound fixed beforehand is a valid filter (Feldman, Zrnic, arXiv:2008.11193; Whitehouse et al., ICML 2023, Theorem 1).
/// </remarks>
public static class ZeroConcentrated
{
    private const string Name = "Zero-concentrated accounting";

    // What is above 0 and underflows.
    private const double Least = 1e-300;

    /// <summary>rho of an event, rounded up; <see cref="double.PositiveInfinity"/> where it has no finite one.</summary>
    /// <exception cref="UnaccountableEventException">The event has no bound of this kind (an approximate guarantee, for instance).</exception>
    public static double RhoOf(PrivacyEvent released)
    {
        ArgumentNullException.ThrowIfNull(released);
        return released switch
        {
            ZeroEvent or PoissonSampledEvent { SamplingRate: 0 } => 0,
            NonPrivateEvent => double.PositiveInfinity,
            ZeroConcentratedEvent given => given.Rho.Value,
            ExponentialMechanismEvent choice => OfBoundedRange(choice.BoundedRange),
            ClippedLogitDecodingEvent token => OfBoundedRange(token.BoundedRange),
            DiscreteGaussianEvent { L2Sensitivity: 0 } => 0,
            DiscreteGaussianEvent noise => OfNoiseMultiplier(Rounded.DivideDown(noise.Sigma, noise.L2Sensitivity)),
            SumOfDiscreteGaussiansEvent sum => SumOfDiscreteGaussians.Rho(sum),
            MixtureOfGaussiansEvent mixture => OfLargestSensitivity(mixture),
            PoissonSampledEvent sampled => RhoOf(sampled.Part),
            SampledWithoutReplacementEvent sampled => RhoOf(sampled.Part),
            RepeatedEvent { Count: 0 } => 0,
            RepeatedEvent repeated => Rounded.MultiplyUp(RhoOf(repeated.Part), Rounded.OfUp(repeated.Count)),
            ComposedEvent composed => composed.Parts.Aggregate(0.0, (sum, part) => Rounded.AddUp(sum, RhoOf(part))),
            _ when GaussianParts.SquaredMu(released) is { } square => square / 2 * (1 + (4 * Elementary.RelativeError)),
            _ when PureDp.EpsilonOf(released) is var epsilon && double.IsFinite(epsilon) => OfPure(epsilon),
            _ when Unprotected(released) => double.PositiveInfinity,
            _ => throw new UnaccountableEventException(Name, released),
        };
    }

    /// <summary>The smallest epsilon that rho-zCDP implies at this delta, rounded up; infinite at delta 0 unless rho is 0.</summary>
    public static double EpsilonAt(Rho rho, Delta delta) => Math.Max(0, UnclampedEpsilonAt(rho, delta));

    /// <summary>The largest rho that implies (epsilon, delta), rounded down: <see cref="EpsilonAt"/> of it is at most <paramref name="epsilon"/>.</summary>
    public static Rho RhoFor(Epsilon epsilon, Delta delta) => LargestRho(epsilon.Value, delta, rho => EpsilonAt(rho, delta) <= epsilon.Value);

    /// <summary>The largest rho near the curve's at <paramref name="epsilon"/> (which may be negative) that <paramref name="fits"/>.</summary>
    internal static Rho LargestRho(double epsilon, Delta delta, Func<Rho, bool> fits)
    {
        if (delta.Value == 0)
        {
            return default;
        }

        var rho = Math.Max(0, ConversionCurve.RhoAt(ConversionCurve.ExcessOrderAtEpsilon(epsilon, delta.Value), delta.Value));

        // The curve is evaluated in floating point: step down until the rounded-up way back agrees.
        for (var step = Elementary.RelativeError; rho > 0 && !fits(new(rho)); step *= 2)
        {
            rho = Math.Max(0, rho - (rho * step) - double.Epsilon);
        }

        return new(rho);
    }

    /// <summary>
    /// As <see cref="EpsilonAt"/>, but it may be negative: a concave function of rho (a minimum of linear ones), which <see cref="Currency"/> needs.
    /// </summary>
    internal static double UnclampedEpsilonAt(Rho rho, Delta delta)
    {
        if (delta.Value == 0)
        {
            return rho.Value == 0 ? 0 : double.PositiveInfinity;
        }

        return rho.Value == 0
            ? Elementary.LogOnePlus(-delta.Value) * (1 - (2 * Elementary.RelativeError))
            : ConversionCurve.EpsilonAt(rho.Value, ConversionCurve.ExcessOrderAtRho(rho.Value, delta.Value), delta.Value);
    }

    internal static double OfBoundedRange(double boundedRange) => boundedRange == 0 ? 0 : Math.Max(Least, Rounded.SquareUp(boundedRange) / 8);

    internal static double OfPure(double epsilon) => epsilon == 0 ? 0 : Math.Max(Least, Rounded.SquareUp(epsilon) / 2);

    /// <summary>Events whose parameters say that nothing protects: noise of scale 0, a response without noise.</summary>
    internal static bool Unprotected(PrivacyEvent released) => released is NonPrivateEvent
        or LaplaceEvent { NoiseMultiplier: < 1e-300 } or DiscreteLaplaceEvent { Scale: < 1e-200 } or DiscreteGaussianEvent { Sigma: 0 } or SumOfDiscreteGaussiansEvent { Sigma: 0 }
        or MixtureOfGaussiansEvent { Sigma: 0 } or RandomizedResponseEvent { NoiseProbability: < 1e-300 };

    // Quasi-convexity: a mixture is no worse than its worst component. Sampling likewise never costs more than what is sampled; how much less, rho cannot say.
    private static double OfLargestSensitivity(MixtureOfGaussiansEvent mixture) =>
        mixture.Sensitivities.Max() is var largest && largest == 0 ? 0 : OfNoiseMultiplier(Rounded.DivideDown(mixture.Sigma, largest));

    private static double OfNoiseMultiplier(double noiseMultiplier) =>
        noiseMultiplier == 0 ? double.PositiveInfinity : Math.Max(Least, Rounded.DivideUp(0.5, Rounded.SquareDown(noiseMultiplier)));
}
