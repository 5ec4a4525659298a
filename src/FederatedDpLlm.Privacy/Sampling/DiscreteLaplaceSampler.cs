namespace FederatedDpLlm.Privacy.Sampling;

/// <summary>
/// Exact discrete Laplace noise: P(X = x) = tanh(1/(2 b)) e^(-|x|/b) over all integers, for a rational scale b = t/s.
/// </summary>
/// <remarks>
/// Reference: Canonne, Kamath, Steinke, arXiv:2004.00010, Algorithm 2. Parameters: t and s below 2^32, at least 1; no float decides anything.
/// The number of draws depends on the noise.
/// </remarks>
public sealed class DiscreteLaplaceSampler
{
    private const int GridBits = 20;
    private const int BlockWords = 64;
    private readonly ulong _numerator;
    private readonly ulong _denominator;

    /// <param name="numerator">t of b = t/s: at least 1.</param>
    /// <param name="denominator">s: at least 1.</param>
    public DiscreteLaplaceSampler(uint numerator, uint denominator)
    {
        ArgumentOutOfRangeException.ThrowIfZero(numerator);
        ArgumentOutOfRangeException.ThrowIfZero(denominator);
        _numerator = numerator;
        _denominator = denominator;
    }

    /// <summary>The scale b, in steps of the integers.</summary>
    public double Scale => _numerator / (double)_denominator;

    /// <summary>The smallest scale on the sampler's grid that is at least <paramref name="scale"/>.</summary>
    /// <param name="scale">Above 0, below 2^32.</param>
    public static DiscreteLaplaceSampler AtLeast(double scale)
    {
        if (!(scale is > 0 and <= uint.MaxValue))
        {
            throw new ArgumentOutOfRangeException(nameof(scale), scale, "The scale is above 0 and below 2^32.");
        }

        // A finer grid where the scale leaves room for it: at least 12 bits of relative precision, 32 at the top.
        var bits = Math.Clamp(31 - Math.ILogB(Math.Max(scale, double.Epsilon)), 0, GridBits);
        return new((uint)Math.Min(uint.MaxValue, Math.Ceiling(Math.ScaleB(scale, bits))), 1u << bits);
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
        var words = new RandomWords(random, stackalloc ulong[destination.Length < 8 ? 16 : BlockWords]);
        foreach (ref var sample in destination)
        {
            sample = Draw(_numerator, _denominator, ref words);
        }

        words.Wipe();
    }

    internal static long Draw(ulong numerator, ulong denominator, ref RandomWords random)
    {
        while (true)
        {
            // X = U + t V is geometric with ratio e^(-1/t): U in [0, t) with weight e^(-U/t), V a geometric of ratio 1/e.
            var u = random.Below(numerator);
            if (!ExactBernoulli.ExpMinus(u, numerator, ref random))
            {
                continue;
            }

            ulong v = 0;
            while (ExactBernoulli.ExpMinus(1, 1, ref random))
            {
                v++;
            }

            var magnitude = (u + (numerator * v)) / denominator;
            var negative = (random.Next() & 1) == 1;

            // Zero would be drawn from both signs.
            if (!negative || magnitude != 0)
            {
                return negative ? -(long)magnitude : (long)magnitude;
            }
        }
    }
}
