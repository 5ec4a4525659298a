using System.Numerics;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Mechanisms;

/// <summary>The public power-of-two grid on which vectors get whole-number Gaussian noise, and the event of doing so.</summary>
/// <remarks>
/// Rounding moves each of d coordinates by at most half a step, so two inputs are at most their sensitivity and sqrt(d) steps apart on the grid; the grid is chosen so fine that this costs less than 2^-10 of the noise.
/// <para>
/// The discrete Gaussian of sigma^2 steps is continuous noise of sigma^2 - 4, rounded at random: draw x from N(m, sigma^2 - 4), then an integer y with probability proportional to e^(-(y - x)^2/8) (Peikert,
/// CRYPTO 2010, Theorem 3.1). The normaliser of y, as a function of x, is constant within a factor 1 +- 2 e^(-8 pi^2), so y has the discrete Gaussian's probabilities within a factor 1 +- 2^-110, in each coordinate: over 10^8 coordinates a pure
/// epsilon below 2^-80, which every accountant's rounding slack covers. So its event is that of continuous noise with sigma^2 - 4, in any dimension.
/// </para>
/// </remarks>
internal readonly struct GaussianGrid
{
    private const int OverheadBits = 10;
    private const double RoundingVariance = 4;
    private const double LargestSteps = 1L << 61;
    private const int LargestExponent = 900;
    private readonly int _exponent;
    private readonly double _sensitivitySteps;

    /// <param name="noiseMultiplier">sigma / sensitivity, above 0.</param>
    /// <param name="sensitivity">Of the vectors.</param>
    /// <param name="dimension">Coordinates.</param>
    /// <param name="largestSigma">The sampler's.</param>
    public GaussianGrid(double noiseMultiplier, L2Sensitivity sensitivity, int dimension, double largestSigma)
    {
        Require.Positive(noiseMultiplier);
        Require.AtLeast(1, dimension);
        var room = Rounded.RootUp(dimension) * noiseMultiplier;
        var bits = Math.Clamp(Math.ILogB(room) + 1 + OverheadBits, OverheadBits, Math.ILogB(largestSigma) - 2);
        _exponent = Math.ILogB(sensitivity.Value) + Math.ILogB(noiseMultiplier) - bits;
        if (Math.Abs(_exponent) > LargestExponent)
        {
            throw new ArgumentOutOfRangeException(nameof(sensitivity), sensitivity.Value, "This sensitivity leaves no grid of ordinary numbers: scale the values.");
        }

        _sensitivitySteps = Rounded.AddUp(Math.ScaleB(sensitivity.Value, -_exponent), Rounded.RootUp(dimension));

        // sigma^2 - 4 has to be (multiplier * sensitivity)^2.
        var sigma = noiseMultiplier * _sensitivitySteps * (1 + 1e-15);
        Sigma = Rounded.RootUp(Rounded.AddUp(Rounded.SquareUp(sigma), RoundingVariance));
        if (!(Sigma <= largestSigma))
        {
            throw new ArgumentOutOfRangeException(nameof(noiseMultiplier), noiseMultiplier, $"This much noise on {dimension} coordinates needs sigma {Sigma:G3} grid steps, above {largestSigma:G3}.");
        }
    }

    /// <summary>Of the noise to draw, in steps.</summary>
    public double Sigma { get; }

    /// <summary>What noise of this variance on this grid releases.</summary>
    public GaussianEvent EventOf(double varianceSteps, NeighbouringRelation relation) =>
        new(Rounded.DivideDown(Rounded.RootDown(Rounded.AddDown(varianceSteps, -RoundingVariance)), _sensitivitySteps), relation);

    public double InUnits(double steps) => Math.ScaleB(steps, _exponent);

    /// <summary>value + noise on the grid. Out of range is clamped, as a refusal would depend on the data; a number that is none counts as 0.</summary>
    public void Add<T>(ReadOnlySpan<long> noise, ReadOnlySpan<T> values, Span<T> noisy)
        where T : IBinaryFloatingPointIeee754<T>
    {
        var (down, up) = (Math.ScaleB(1, -_exponent), Math.ScaleB(1, _exponent));
        for (var i = 0; i < values.Length; i++)
        {
            // Powers of two: the products are exact.
            var scaled = double.CreateTruncating(values[i]) * down;
            var steps = double.IsNaN(scaled) ? 0 : (long)Math.Round(Math.Clamp(scaled, -LargestSteps, LargestSteps));
            noisy[i] = T.CreateTruncating((steps + noise[i]) * up);
        }
    }
}
