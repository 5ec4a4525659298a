using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Calibration;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Mechanisms;

/// <summary>
/// Gaussian noise on a whole model update, 10^5 to 10^8 coordinates: as <see cref="GaussianMechanism"/> on the same kind of grid, with the batch sampler, whose distance from exact noise is paid for in delta.
/// </summary>
/// <remarks>See <see cref="GaussianGrid"/> for the grid and <see cref="BatchGaussianSampler"/> for the distance. Works through the vector in blocks that stay in the cache.</remarks>
public sealed class VectorGaussianMechanism : IMechanism
{
    private const int BlockCoordinates = 8192;
    private readonly BatchGaussianSampler _noise;
    private readonly GaussianGrid _grid;

    private VectorGaussianMechanism(double noiseMultiplier, L2Sensitivity sensitivity, int dimension)
    {
        _grid = new(noiseMultiplier, sensitivity, dimension, BatchGaussianSampler.LargestSigma);
        _noise = BatchGaussianSampler.AtLeast(_grid.Sigma);
        Dimension = dimension;
        Event = _grid.EventOf(_noise.Variance, sensitivity.Relation);
    }

    /// <summary>What one release releases, but for <see cref="SamplingDelta"/>.</summary>
    public PrivacyEvent Event { get; }

    /// <summary>Coordinates per release.</summary>
    public int Dimension { get; }

    /// <summary>Standard deviation of the noise, in the values' unit.</summary>
    public double Sigma => _grid.InUnits(_noise.Sigma);

    /// <summary>rho of one release, rounded up; <see cref="SamplingDelta"/> comes on top of the delta at which it is read.</summary>
    public Rho Rho => new(ZeroConcentrated.RhoOf(Event));

    /// <summary>What this many releases add to delta at the epsilon of the whole plan, because the sampler is not exact.</summary>
    /// <param name="epsilon">Of everything that is released together.</param>
    /// <param name="releases">At least 0.</param>
    public Delta SamplingDelta(Epsilon epsilon, long releases = 1) => _noise.DeltaOf(checked(Require.AtLeast(0, releases) * Dimension), epsilon);

    /// <summary>The least noise (within 2^-9) that keeps (epsilon, delta) for one release, what the sampler adds to delta included: the analytic calibration.</summary>
    /// <param name="epsilon">At least 0.</param>
    /// <param name="delta">Above what the sampler takes: (1 + e^epsilon) 2^-60 a coordinate is always enough.</param>
    /// <param name="sensitivity">Of the values.</param>
    /// <param name="dimension">Coordinates per release, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">delta is less than the sampler's.</exception>
    public static VectorGaussianMechanism ForEpsilon(Epsilon epsilon, Delta delta, L2Sensitivity sensitivity, int dimension)
    {
        // Every table's distance is below this, so what is left of delta does not depend on the noise.
        var sampling = (1 + Math.Exp(epsilon.Value)) * Require.AtLeast(1, dimension) * BatchGaussianSampler.LargestDistance * (1 + 1e-12);
        if (!(sampling < delta.Value))
        {
            throw new ArgumentOutOfRangeException(nameof(delta), delta, $"At epsilon {epsilon} the sampler alone takes a delta of {sampling:G3} for {dimension} coordinates.");
        }

        return new(NoiseCalibration.GaussianSigma(epsilon, new(Numerics.Rounded.AddDown(delta.Value, -sampling)), 1), sensitivity, dimension);
    }

    /// <summary>Noise of this standard deviation over the sensitivity, as a calibrated plan asks for.</summary>
    /// <param name="noiseMultiplier">Above 0.</param>
    /// <param name="sensitivity">Of the values.</param>
    /// <param name="dimension">Coordinates per release, at least 1.</param>
    public static VectorGaussianMechanism OfNoiseMultiplier(double noiseMultiplier, L2Sensitivity sensitivity, int dimension) => new(noiseMultiplier, sensitivity, dimension);

    /// <summary>Adds noise in place; every coordinate becomes a multiple of the public grid step (then rounded to the type, if it has fewer bits).</summary>
    /// <param name="values">As many as <see cref="Dimension"/>; what is not a number counts as 0, what is beyond 2^61 steps as that.</param>
    /// <param name="random">The source of the noise.</param>
    public void Release(Span<float> values, ISecureRandom random) => Release<float>(values, random);

    /// <inheritdoc cref="Release(Span{float}, ISecureRandom)"/>
    public void Release(Span<double> values, ISecureRandom random) => Release<double>(values, random);

    private void Release<T>(Span<T> values, ISecureRandom random)
        where T : IBinaryFloatingPointIeee754<T>
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(values.Length, Dimension, nameof(values));
        var noise = GC.AllocateUninitializedArray<long>(Math.Min(Dimension, BlockCoordinates), pinned: true);
        for (; !values.IsEmpty; values = values[Math.Min(BlockCoordinates, values.Length)..])
        {
            var block = values[..Math.Min(BlockCoordinates, values.Length)];
            var drawn = noise.AsSpan(0, block.Length);
            _noise.Fill(drawn, random);
            _grid.Add<T>(drawn, block, block);
        }

        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(noise.AsSpan()));
    }
}
