using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Sampling;

/// <summary>
/// Discrete Gaussian noise for whole model updates: not exact as <see cref="DiscreteGaussianSampler"/>, but within a <see cref="Distance"/> of it that is computed from the tables
/// (below 2^-60 a sample), and many times faster. Time does not depend on the noise, but for one sample in about 2^22.
/// </summary>
/// <remarks>
/// References: Poeppelmann, Ducas, Gueneysu, CHES 2014 (IACR ePrint 2014/254): X1 + k X2 of discrete Gaussians is nearly one of variance s1^2 + k^2 s2^2; Micciancio, Walter, CRYPTO 2017.
/// With 1/tau^2 = 1/s2^2 + k^2/s1^2, P(X1 + k X2 = x) is e^(-x^2/(2 s^2)) times a sum of e^(-(n - c)^2/(2 tau^2)) over the integers n, and by Poisson summation that sum depends on x (through c) by
/// a factor within 1 +- d, d = 2 sum of e^(-2 pi^2 tau^2 m^2): the statistical distance is at most d/(1 - d).
/// Parameters: narrow tables of sigma 9.5 below, k at most 6, so tau is at least 1.55; sigma up to 2^40.
/// </remarks>
public sealed class BatchGaussianSampler
{
    /// <summary>The largest sigma that is served.</summary>
    public const double LargestSigma = 1L << 40;

    /// <summary>2^-60: no sampler's <see cref="Distance"/> is more.</summary>
    public const double LargestDistance = 1.0 / (1L << 60);

    // 9.5^2 = 90.25 is on the grid; the widest multiplier whose tau keeps d near 2^-69 is 6.
    private const long FineVariance = 361L << (GaussianTable.VarianceBits - 2);
    private const int LargestMultiplier = 6;
    private const int BlockSamples = 8192;
    private static readonly Lazy<GaussianTable> Fine = new(() => new(FineVariance));
    private readonly GaussianTable _top;
    private readonly int[] _multipliers;

    private BatchGaussianSampler(GaussianTable top, int[] multipliers)
    {
        (_top, _multipliers) = (top, multipliers);
        var (variance, largest, distance) = (top.Variance, (double)top.Largest, top.Distance);
        foreach (var k in Enumerable.Reverse(multipliers))
        {
            distance += Fine.Value.Distance + ConvolutionDistance(Fine.Value.Variance, k, variance);
            variance = Rounded.AddDown(Fine.Value.Variance, Rounded.MultiplyDown(k * k, variance));
            largest = Fine.Value.Largest + (k * largest);
        }

        (Variance, LargestMagnitude, Distance) = (variance, (long)largest, distance * (1 + 1e-12));
    }

    /// <summary>sigma^2, the parameter; rounded down, at least the square of what was asked for.</summary>
    public double Variance { get; }

    /// <summary>sigma, rounded down.</summary>
    public double Sigma => Rounded.RootDown(Variance);

    /// <summary>No sample is further from 0.</summary>
    public long LargestMagnitude { get; }

    /// <summary>A bound on the statistical (total variation) distance of one sample from the discrete Gaussian of this sigma, at most <see cref="LargestDistance"/>; of n samples, n times that.</summary>
    public double Distance { get; }

    /// <summary>Variance and table of the coarsest part; each multiplier, from the last to the first, then scales what there is and adds a draw of <see cref="FineTable"/>.</summary>
    internal GaussianTable TopTable => _top;

    /// <inheritdoc cref="TopTable"/>
    internal ReadOnlySpan<int> Multipliers => _multipliers;

    /// <inheritdoc cref="TopTable"/>
    internal static GaussianTable FineTable => Fine.Value;

    /// <summary>What the distance adds to the delta of a release of this many samples at <paramref name="epsilon"/>: (1 + e^epsilon) times the distance of all of them.</summary>
    /// <remarks>P'(S) &lt;= P(S) + t &lt;= e^epsilon Q(S) + delta + t &lt;= e^epsilon Q'(S) + delta + (1 + e^epsilon) t.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">There would be nothing left to promise.</exception>
    public Delta DeltaOf(long samples, Epsilon epsilon) => new((1 + Math.Exp(epsilon.Value)) * samples * Distance * (1 + 1e-12));

    /// <summary>The sampler with the smallest sigma on the grid (a relative 2^-40 or finer from sigma 1 on) that is at least <paramref name="sigma"/>.</summary>
    /// <param name="sigma">Above 0, at most 2^40; in steps of the integers.</param>
    public static BatchGaussianSampler AtLeast(double sigma)
    {
        if (!(sigma is > 0 and <= LargestSigma))
        {
            throw new ArgumentOutOfRangeException(nameof(sigma), sigma, "sigma is above 0 and at most 2^40.");
        }

        var multipliers = new List<int>();
        var variance = SquareUp(sigma);
        var top = (BigInteger)Math.ScaleB(GaussianTable.LargestVariance, GaussianTable.VarianceBits);
        while (variance > top)
        {
            // What is left for the coarse part: the largest step where it stays coarse, else the smallest that makes it one table.
            variance -= FineVariance;
            var k = 2;
            while (k < LargestMultiplier && variance > top * k * k)
            {
                k++;
            }

            multipliers.Add(k);
            variance = (variance + (k * k) - 1) / (k * k);
        }

        return new(new((long)variance), [.. multipliers]);
    }

    /// <summary>Independent samples.</summary>
    /// <exception cref="InvalidOperationException"><see cref="LargestMagnitude"/> does not fit 32 bits.</exception>
    public void Fill(Span<int> destination, ISecureRandom random) => Fill(destination, random, portable: false);

    /// <summary>Independent samples.</summary>
    public void Fill(Span<long> destination, ISecureRandom random)
    {
        ArgumentNullException.ThrowIfNull(random);
        var (words, values) = Buffers(destination.Length);
        for (; !destination.IsEmpty; destination = destination[Math.Min(BlockSamples, destination.Length)..])
        {
            var block = destination[..Math.Min(BlockSamples, destination.Length)];
            var part = values.AsSpan(0, block.Length);
            var narrow = FillNarrow(part, words.AsSpan(0, block.Length), random, portable: false);
            for (var i = 0; i < block.Length; i++)
            {
                block[i] = part[i];
            }

            for (var level = narrow - 1; level >= 0; level--)
            {
                part.Clear();
                Accumulate(Fine.Value, words.AsSpan(0, block.Length), part, 0, random, portable: false);
                for (var i = 0; i < block.Length; i++)
                {
                    block[i] = part[i] + (_multipliers[level] * block[i]);
                }
            }
        }

        Wipe(words, values);
    }

    internal void Fill(Span<int> destination, ISecureRandom random, bool portable)
    {
        ArgumentNullException.ThrowIfNull(random);
        if (LargestMagnitude > int.MaxValue)
        {
            throw new InvalidOperationException($"Noise of sigma {Sigma:G4} does not fit 32 bits: fill 64-bit numbers.");
        }

        var (words, _) = Buffers(destination.Length);
        for (; !destination.IsEmpty; destination = destination[Math.Min(BlockSamples, destination.Length)..])
        {
            var block = destination[..Math.Min(BlockSamples, destination.Length)];
            FillNarrow(block, words.AsSpan(0, block.Length), random, portable);
        }

        Wipe(words, []);
    }

    // From the coarsest part on, as long as 32 bits hold the sum; returns how many of the fine parts are still to be added.
    private int FillNarrow(Span<int> block, Span<uint> words, ISecureRandom random, bool portable)
    {
        block.Clear();
        Accumulate(_top, words, block, 0, random, portable);
        var level = _multipliers.Length;
        for (long largest = _top.Largest; level > 0; level--)
        {
            var k = _multipliers[level - 1];
            largest = Fine.Value.Largest + (k * largest);
            if (largest > int.MaxValue)
            {
                break;
            }

            Accumulate(Fine.Value, words, block, k, random, portable);
        }

        return level;
    }

    private static void Accumulate(GaussianTable table, Span<uint> words, Span<int> values, int multiplier, ISecureRandom random, bool portable)
    {
        random.Fill(MemoryMarshal.AsBytes(words));
        table.Accumulate(words, values, multiplier, random, portable);
    }

    // Pinned: no collection leaves a copy behind that is not wiped.
    private static (uint[] Words, int[] Values) Buffers(int samples)
    {
        var length = Math.Min(samples, BlockSamples);
        return (GC.AllocateUninitializedArray<uint>(length, pinned: true), GC.AllocateUninitializedArray<int>(length, pinned: true));
    }

    private static void Wipe(uint[] words, int[] values)
    {
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(words.AsSpan()));
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(values.AsSpan()));
    }

    private static double ConvolutionDistance(double fineVariance, int k, double coarseVariance)
    {
        var tauSquared = 1 / ((1 / coarseVariance) + (k * k / fineVariance));
        var first = Math.Exp(-2 * Math.PI * Math.PI * tauSquared * (1 - 1e-12));

        // The terms of m >= 2 add less than a relative first^3 each.
        var d = 2.0001 * first;
        return d / (1 - d);
    }

    // Exactly, in units of the grid: a double is a whole number times a power of two.
    private static BigInteger SquareUp(double sigma)
    {
        var exponent = Math.ILogB(sigma) - 52;
        var mantissa = (BigInteger)Math.ScaleB(sigma, -exponent);
        var shift = (2 * exponent) + GaussianTable.VarianceBits;
        var square = mantissa * mantissa;
        return BigInteger.Max(1, shift >= 0 ? square << shift : -(-square >> -shift));
    }
}
