using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Mechanisms;

/// <summary>
/// Gaussian noise on numbers or vectors of bounded L2 sensitivity: values are rounded to a power-of-two grid and get exact discrete Gaussian noise there, so no floating-point pattern leaks.
/// </summary>
/// <remarks>
/// Canonne, Kamath, Steinke, arXiv:2004.00010, Theorem 14: discrete noise costs no more rho than continuous noise of the same sigma. Rounding moves each of d coordinates by at most half a step, so
/// the sensitivity on the grid is at most L2 + sqrt(d) steps, and sigma is calibrated to that. The grid is public: 2^-20 of the sensitivity or finer.
/// </remarks>
public sealed class GaussianMechanism
{
    private const int GridBits = 20;
    private readonly DiscreteGaussianSampler _noise;
    private readonly int _stepExponent;

    private GaussianMechanism(double sigmaSteps, double sensitivitySteps, int stepExponent, int dimension, NeighbouringRelation relation)
    {
        _noise = DiscreteGaussianSampler.AtLeast(sigmaSteps);
        _stepExponent = stepExponent;
        Dimension = dimension;
        Event = new DiscreteGaussianEvent(_noise.Sigma, sensitivitySteps, relation, dimension);
    }

    /// <summary>What one <see cref="Release"/> releases.</summary>
    public PrivacyEvent Event { get; }

    /// <summary>Coordinates per release.</summary>
    public int Dimension { get; }

    /// <summary>Standard deviation of the noise, in the values' unit.</summary>
    public double Sigma => Math.ScaleB(_noise.Sigma, _stepExponent);

    /// <summary>rho of one release, rounded up.</summary>
    public Rho Rho => new(ZeroConcentrated.RhoOf(Event));

    /// <summary>The least noise whose rho implies (epsilon, delta) for one release.</summary>
    /// <param name="epsilon">Above 0.</param>
    /// <param name="delta">Above 0.</param>
    /// <param name="l2Sensitivity">Above 0, under <paramref name="relation"/>, in the values' unit.</param>
    /// <param name="dimension">Coordinates per release, at least 1.</param>
    /// <param name="relation">The relation of the sensitivity.</param>
    public static GaussianMechanism ForEpsilon(Epsilon epsilon, Delta delta, double l2Sensitivity, int dimension, NeighbouringRelation relation) =>
        ForRho(ZeroConcentrated.RhoFor(epsilon, delta), l2Sensitivity, dimension, relation);

    /// <summary>The least noise of at most this rho for one release.</summary>
    /// <param name="rho">Above 0.</param>
    /// <param name="l2Sensitivity">Above 0, under <paramref name="relation"/>.</param>
    /// <param name="dimension">Coordinates per release, at least 1.</param>
    /// <param name="relation">The relation of the sensitivity.</param>
    public static GaussianMechanism ForRho(Rho rho, double l2Sensitivity, int dimension, NeighbouringRelation relation)
    {
        Require.Positive(l2Sensitivity);
        Require.AtLeast(1, dimension);
        Require.Positive(rho.Value, nameof(rho));
        var exponent = Math.ILogB(l2Sensitivity) - GridBits;
        var sensitivity = Math.ScaleB(l2Sensitivity, -exponent) + Math.Sqrt(dimension) + 1;
        return new(sensitivity / Math.Sqrt(2 * rho.Value) * (1 + 1e-14), sensitivity, exponent, dimension, relation);
    }

    /// <summary>The values with noise, each a multiple of the public grid step.</summary>
    /// <param name="values">As many as <see cref="Dimension"/>; finite and below 2^62 grid steps (about 2^42 sensitivities).</param>
    /// <param name="noisy">As many.</param>
    /// <param name="random">The source of the noise.</param>
    public void Release(ReadOnlySpan<double> values, Span<double> noisy, ISecureRandom random)
    {
        if (values.Length != Dimension || noisy.Length != Dimension)
        {
            throw new ArgumentException($"This mechanism releases {Dimension} coordinates at a time.", nameof(values));
        }

        var noise = new long[values.Length];
        _noise.Fill(noise, random);
        for (var i = 0; i < values.Length; i++)
        {
            // Out of range is clamped, as a refusal would depend on the data; a number that is none counts as 0.
            var steps = double.IsNaN(values[i]) ? 0 : (long)Math.Round(Math.Clamp(Math.ScaleB(values[i], -_stepExponent), -(double)(1L << 61), 1L << 61));
            noisy[i] = Math.ScaleB(steps + noise[i], _stepExponent);
        }

        System.Security.Cryptography.CryptographicOperations.ZeroMemory(System.Runtime.InteropServices.MemoryMarshal.AsBytes(noise.AsSpan()));
    }
}
