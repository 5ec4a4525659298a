namespace FederatedDpLlm.Privacy.Sampling;

/// <summary>
/// Exact discrete Gaussian noise: P(X = x) proportional to e^(-x^2/(2 sigma^2)) over all integers, for a rational variance parameter sigma^2 = n/d.
/// </summary>
/// <remarks>
/// Reference: Canonne, Kamath, Steinke, arXiv:2004.00010, Algorithm 3 (a discrete Laplace proposal of scale floor(sigma) + 1). Parameters: sigma up to 2^30.
/// Exact also where 128 bits do not hold the exponent: such proposals go through big integers. The number of draws depends on the noise.
/// </remarks>
public sealed class DiscreteGaussianSampler
{
    /// <summary>The largest sigma that is served.</summary>
    public const double LargestSigma = 1 << 30;

    private const int BlockWords = 256;
    private readonly ulong _numerator;
    private readonly ulong _denominator;
    private readonly ulong _proposalScale;
    private readonly UInt128 _exponentDenominator;
    private readonly ulong _narrowBelow;

    private DiscreteGaussianSampler(ulong varianceNumerator, int varianceDenominatorBits)
    {
        _numerator = varianceNumerator;
        _denominator = 1UL << varianceDenominatorBits;
        Variance = varianceNumerator / (double)_denominator;
        _proposalScale = (ulong)Math.Floor(Math.Sqrt(Variance)) + 1;

        // exponent = (|y| d t - n)^2 / (2 n d t^2); while |y| d t stays below 2^63, its square fits 128 bits.
        _exponentDenominator = 2 * (UInt128)_numerator * _denominator * _proposalScale * _proposalScale;
        _narrowBelow = (1UL << 62) / (_denominator * _proposalScale);
    }

    /// <summary>sigma^2, the parameter (the variance itself is a little smaller for small sigma).</summary>
    public double Variance { get; }

    /// <summary>sigma.</summary>
    public double Sigma => Math.Sqrt(Variance);

    /// <summary>The sampler with the smallest sigma^2 on the grid (31 or more significant bits) that is at least the square of <paramref name="sigma"/>.</summary>
    /// <param name="sigma">Above 0, at most 2^30; in steps of the integers.</param>
    public static DiscreteGaussianSampler AtLeast(double sigma)
    {
        if (!(sigma is > 0 and <= LargestSigma))
        {
            throw new ArgumentOutOfRangeException(nameof(sigma), sigma, "sigma is above 0 and at most 2^30.");
        }

        // The square rounded up, then up again to the grid; the denominator shrinks as the numerator grows so that their products fit.
        var square = Numerics.Rounded.SquareUp(sigma);
        var bits = Math.Clamp(30 - Math.ILogB(square), 0, 30);
        return new((ulong)Math.Max(1, Math.Ceiling(Math.ScaleB(square, bits))), bits);
    }

    /// <summary>One sample.</summary>
    public long Sample(ISecureRandom random)
    {
        Span<long> one = stackalloc long[1];
        Fill(one, random);
        return one[0];
    }

    /// <summary>Independent samples.</summary>
    public void Fill(Span<long> destination, ISecureRandom random)
    {
        var words = new RandomWords(random, stackalloc ulong[destination.Length < 8 ? 32 : BlockWords]);
        foreach (ref var sample in destination)
        {
            sample = Draw(ref words);
        }

        words.Wipe();
    }

    private long Draw(ref RandomWords random)
    {
        while (true)
        {
            var proposed = DiscreteLaplaceSampler.Draw(_proposalScale, 1, ref random);
            if (Accepts((ulong)Math.Abs(proposed), ref random))
            {
                return proposed;
            }
        }
    }

    private bool Accepts(ulong magnitude, ref RandomWords random)
    {
        if (magnitude >= _narrowBelow)
        {
            return AcceptsWide(magnitude, ref random);
        }

        var distance = (Int128)(magnitude * _denominator * _proposalScale) - _numerator;
        return ExactBernoulli.ExpMinus((UInt128)(distance * distance), _exponentDenominator, ref random);
    }

    // Only proposals some 2^30 proposal scales away come here: their chance is below e^(-2^20).
    private bool AcceptsWide(ulong magnitude, ref RandomWords random)
    {
        var distance = ((System.Numerics.BigInteger)magnitude * _denominator * _proposalScale) - _numerator;
        return ExactBernoulli.ExpMinusWide(distance * distance, _exponentDenominator, ref random);
    }
}
