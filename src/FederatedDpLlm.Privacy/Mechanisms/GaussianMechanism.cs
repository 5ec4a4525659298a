using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Calibration;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Mechanisms;

/// <summary>
/// Gaussian noise on numbers or vectors of bounded L2 sensitivity: values are rounded to a public power-of-two grid and get exact discrete Gaussian noise there, so no floating-point pattern leaks.
/// For vectors of a whole model there is the faster <see cref="VectorGaussianMechanism"/>.
/// </summary>
/// <remarks>Balle, Wang, arXiv:1805.06530 (the analytic calibration); Canonne, Kamath, Steinke, arXiv:2004.00010 (the sampler). Why the noise on a grid costs what continuous noise costs: <see cref="GaussianGrid"/>.</remarks>
public sealed class GaussianMechanism : IMechanism
{
    private const int OnStack = 64;
    private readonly DiscreteGaussianSampler _noise;
    private readonly GaussianGrid _grid;

    private GaussianMechanism(double noiseMultiplier, L2Sensitivity sensitivity, int dimension)
    {
        _grid = new(noiseMultiplier, sensitivity, dimension, DiscreteGaussianSampler.LargestSigma);
        _noise = DiscreteGaussianSampler.AtLeast(_grid.Sigma);
        Dimension = dimension;
        Event = _grid.EventOf(_noise.Variance, sensitivity.Relation);
    }

    /// <inheritdoc/>
    public PrivacyEvent Event { get; }

    /// <summary>Coordinates per release.</summary>
    public int Dimension { get; }

    /// <summary>Standard deviation of the noise, in the values' unit.</summary>
    public double Sigma => _grid.InUnits(_noise.Sigma);

    /// <summary>rho of one release, rounded up.</summary>
    public Rho Rho => new(ZeroConcentrated.RhoOf(Event));

    /// <summary>The least noise (within 2^-9) that keeps (epsilon, delta) for one release: the analytic calibration.</summary>
    /// <param name="epsilon">At least 0.</param>
    /// <param name="delta">Above 0.</param>
    /// <param name="sensitivity">Of the values.</param>
    /// <param name="dimension">Coordinates per release, at least 1.</param>
    public static GaussianMechanism ForEpsilon(Epsilon epsilon, Delta delta, L2Sensitivity sensitivity, int dimension) =>
        new(NoiseCalibration.GaussianSigma(epsilon, delta, 1), sensitivity, dimension);

    /// <summary>The least noise of at most this rho for one release.</summary>
    /// <param name="rho">Above 0.</param>
    /// <param name="sensitivity">Of the values.</param>
    /// <param name="dimension">Coordinates per release, at least 1.</param>
    public static GaussianMechanism ForRho(Rho rho, L2Sensitivity sensitivity, int dimension) =>
        new(1 / Math.Sqrt(2 * Require.Positive(rho.Value, nameof(rho))) * (1 + 1e-14), sensitivity, dimension);

    /// <summary>Noise of this standard deviation over the sensitivity, as a calibrated plan asks for.</summary>
    /// <param name="noiseMultiplier">Above 0.</param>
    /// <param name="sensitivity">Of the values.</param>
    /// <param name="dimension">Coordinates per release, at least 1.</param>
    public static GaussianMechanism OfNoiseMultiplier(double noiseMultiplier, L2Sensitivity sensitivity, int dimension) => new(noiseMultiplier, sensitivity, dimension);

    /// <summary>The values with noise, each a multiple of the public grid step.</summary>
    /// <param name="values">As many as <see cref="Dimension"/>; what is not a number counts as 0, what is beyond 2^61 steps as that.</param>
    /// <param name="noisy">As many; may be the same span.</param>
    /// <param name="random">The source of the noise.</param>
    public void Release(ReadOnlySpan<double> values, Span<double> noisy, ISecureRandom random)
    {
        if (values.Length != Dimension || noisy.Length != Dimension)
        {
            throw new ArgumentException($"This mechanism releases {Dimension} coordinates at a time.", nameof(values));
        }

        var noise = values.Length <= OnStack ? stackalloc long[values.Length] : GC.AllocateUninitializedArray<long>(values.Length, pinned: true);
        _noise.Fill(noise, random);
        _grid.Add(noise, values, noisy);
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(noise));
    }
}
