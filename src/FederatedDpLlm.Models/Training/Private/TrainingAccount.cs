using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Calibration;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Models.Training.Private;

/// <summary>
/// What a private training has cost after so many steps. Units are examples (all notes of one patient, where the caller makes one example of them), added or
/// removed.
/// </summary>
/// <remarks>
/// The noise is discrete Gaussian and the event says Gaussian: at whole Renyi orders k the moments that the sampled divergence is made of (Mironov, Talwar, Zhang, arXiv:1908.10530) are the
/// same for both, since a shift by integers leaves the discrete Gaussian's normalising sum as it is. So only whole orders are used here.
/// </remarks>
public sealed class TrainingAccount
{
    private const int LargestOrder = 256;
    private readonly RenyiCurve _step;
    private readonly double _distancePerStep;

    internal TrainingAccount(PrivateTrainingOptions options, double distancePerStep)
    {
        (Options, _distancePerStep) = (options, distancePerStep);
        _step = RenyiCurve.Of(Step(options.SamplingRate, options.NoiseMultiplier), Orders);
    }

    private static IEnumerable<double> Orders => Enumerable.Range(2, LargestOrder - 1).Select(order => (double)order);

    private PrivateTrainingOptions Options { get; }

    /// <summary>What so many steps release; an accountant's argument.</summary>
    public PrivacyEvent EventAfter(int steps) => new RepeatedEvent(Step(Options.SamplingRate, Options.NoiseMultiplier), steps);

    /// <summary>The most that the noise of so many steps is away from the exact distribution (total variation).</summary>
    public double DistanceAfter(int steps) => steps * _distancePerStep;

    /// <summary>epsilon at the options' delta; infinite without noise.</summary>
    public double EpsilonAfter(int steps)
    {
        if (steps == 0)
        {
            return 0;
        }

        // The sampler's distance from the exact noise takes its part of delta: (1 + e^epsilon) t (see BatchGaussianSampler.DeltaOf).
        var curve = _step.Times(steps);
        var half = curve.EpsilonAt(new Delta(Options.Delta.Value / 2));
        var taken = (1 + Math.Exp(half)) * DistanceAfter(steps);
        return taken < Options.Delta.Value / 2 ? curve.EpsilonAt(new Delta(Options.Delta.Value - taken)) : double.PositiveInfinity;
    }

    /// <summary>The least noise multiplier with which a plan keeps a promise.</summary>
    public static double NoiseFor(Epsilon epsilon, Delta delta, double samplingRate, int steps) =>
        NoiseCalibration.Smallest(noise => RenyiCurve.Of(Step(samplingRate, noise), Orders).Times(steps).EpsilonAt(new Delta(delta.Value * 0.99)) <= epsilon.Value);

    private static PrivacyEvent Step(double samplingRate, double noiseMultiplier) =>
        new PoissonSampledEvent(samplingRate, new GaussianEvent(noiseMultiplier, NeighbouringRelation.AddOrRemoveOne));
}
