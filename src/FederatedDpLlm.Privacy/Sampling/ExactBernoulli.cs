using System.Numerics;

namespace FederatedDpLlm.Privacy.Sampling;

/// <summary>
/// Coins of probability exactly e^(-n/d). A uniform number U in [0, 1) is compared with e^(-n/d), bit by bit as far as needed: 64 bits against a fixed-point
/// approximation of proved error decide all but one in about 2^40 coins, and those few are decided by intervals of as many bits as it takes.
/// </summary>
/// <remarks>
/// The result has the same distribution as Algorithm 1 of Canonne, Kamath, Steinke (arXiv:2004.00010), which the tests keep as their obvious reference, at a tenth of
/// its random bits. Rounding decides nothing: where the approximation could matter, it is not used.
/// </remarks>
internal static class ExactBernoulli
{
    // FixedPointExp covers x < 64 and is within 2^-43 relatively up to 40; the quotient n/d in doubles adds 40 times 2^-51.
    private const double FastBelow = 40;
    private const int DoubtBits = 41;

    /// <summary>True with probability exp(-n/d) exactly; d &gt; 0.</summary>
    public static bool ExpMinus(UInt128 numerator, UInt128 denominator, ref RandomWords random)
    {
        if (numerator == 0)
        {
            return true;
        }

        var drawn = random.Next();
        var x = (double)numerator / (double)denominator;
        return x < FastBelow ? Decide(drawn, x, numerator, denominator, ref random) : DecideByIntervals(drawn, numerator, denominator, ref random);
    }

    /// <summary>As <see cref="ExpMinus"/>, for numbers beyond 128 bits.</summary>
    public static bool ExpMinusWide(BigInteger numerator, BigInteger denominator, ref RandomWords random) =>
        DecideByIntervals(random.Next(), numerator, denominator, ref random);

    private static bool Decide(ulong drawn, double x, UInt128 numerator, UInt128 denominator, ref RandomWords random)
    {
        var weight = (ulong)UInt128.Min(FixedPointExp.Minus((ulong)(x * (1UL << FixedPointExp.InputBits))) >> (FixedPointExp.OutputBits - 64), ulong.MaxValue);
        var doubt = (weight >> DoubtBits) + 2;
        if (drawn < weight - Math.Min(weight, doubt))
        {
            return true;
        }

        return (drawn < weight || drawn - weight <= doubt) && DecideByIntervals(drawn, numerator, denominator, ref random);
    }

    // U lies in [u, u+1) 2^-bits and e^-x in [low, low+2] 2^-bits: undecided only while the two intervals meet.
    private static bool DecideByIntervals(ulong drawn, BigInteger numerator, BigInteger denominator, ref RandomWords random)
    {
        BigInteger u = drawn;
        for (var bits = 64; ; bits += 64)
        {
            var low = ExpMinusFloor(numerator, denominator, bits);
            if (u + 1 <= low)
            {
                return true;
            }

            if (u >= low + 2)
            {
                return false;
            }

            u = (u << 64) + random.Next();
        }
    }

    /// <summary>An integer L with L &lt;= 2^bits e^(-n/d) &lt;= L + 2.</summary>
    internal static BigInteger ExpMinusFloor(BigInteger numerator, BigInteger denominator, int bits)
    {
        // Beyond (bits + 2) ln 2 the value is below a quarter of a unit.
        if (numerator > denominator * (bits + 2))
        {
            return 0;
        }

        // e^-x = (e^(-x/2^k))^(2^k) with x/2^k < 1: the alternating series there, then k squarings, with guard bits for their doubling errors.
        var k = (int)Math.Max(0, numerator.GetBitLength() - denominator.GetBitLength() + 1);
        var guard = bits + (2 * k) + 64;
        var one = BigInteger.One << guard;
        var reduced = (numerator << guard) / (denominator << k);
        BigInteger sum = one, term = one;
        for (var i = 1; !term.IsZero; i++)
        {
            term = ((term * reduced) >> guard) / i;
            sum += (i & 1) == 1 ? -term : term;
        }

        for (var i = 0; i < k; i++)
        {
            sum = (sum * sum) >> guard;
        }

        var scaled = sum >> (guard - bits);
        return BigInteger.Max(0, scaled - 1);
    }
}
