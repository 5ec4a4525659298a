using System.Numerics;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Accounting.Exact;

/// <summary>Real numbers as integers in units of 2^-480 (144 digits): slow, obvious, and far more exact than what is held to them.</summary>
internal static class FixedPoint
{
    public const int Bits = 480;

    public static readonly BigInteger One = BigInteger.One << Bits;

    /// <summary>n/d.</summary>
    public static BigInteger Of(BigInteger numerator, BigInteger denominator) => (numerator << Bits) / denominator;

    /// <summary>The double itself, which is a fraction with a power of two below it.</summary>
    public static BigInteger Of(double value)
    {
        if (value == 0)
        {
            return 0;
        }

        var exponent = (int)Math.Max(-1074, Math.ILogB(value) - 52.0);
        var mantissa = new BigInteger(Math.ScaleB(value, -exponent));
        return exponent + Bits >= 0 ? mantissa << (exponent + Bits) : mantissa >> -(exponent + Bits);
    }

    public static BigInteger Times(BigInteger left, BigInteger right) => (left * right) >> Bits;

    public static BigInteger Over(BigInteger left, BigInteger right) => (left << Bits) / right;

    public static BigInteger Power(BigInteger value, int exponent)
    {
        var power = One;
        for (var i = 0; i < exponent; i++)
        {
            power = Times(power, value);
        }

        return power;
    }

    /// <summary>e^x; for x below 0 to an absolute 2^-470.</summary>
    public static BigInteger Exp(BigInteger x)
    {
        if (x.Sign <= 0)
        {
            return ExactBernoulli.ExpMinusFloor(-x, One, Bits);
        }

        // e^x = 1/e^-x, with as many more bits as x takes away.
        var more = (int)(x >> Bits) * 2;
        return (BigInteger.One << (2 * Bits) + more) / ExactBernoulli.ExpMinusFloor(x, One, Bits + more);
    }

    /// <summary>ln x for x above 0, to an absolute 2^-150.</summary>
    public static BigInteger Log(BigInteger x)
    {
        var doublings = (int)(x.GetBitLength() - Bits - 1);
        return LogNear(doublings >= 0 ? x >> doublings : x << -doublings) + (doublings * LogOf2);
    }

    private static BigInteger LogOf2 { get; } = LogNear(2 * One);

    // The double's logarithm, put right by the series of ln(x/e^y).
    private static BigInteger LogNear(BigInteger x)
    {
        var first = Of(BigInteger.Log(x) - (Bits * Math.Log(2)));
        BigInteger rest = Times(x, Exp(-first)) - One, square = Times(rest, rest);
        return first + rest - (square / 2) + (Times(square, rest) / 3) - (Times(square, square) / 4);
    }

    /// <summary>Phi(x) = 1/2 + the positive series e^(-x^2/2)/sqrt(2 pi) (x + x^3/3 + x^5/15 + ...).</summary>
    public static BigInteger NormalCdf(BigInteger x)
    {
        BigInteger square = Times(x, x), term = x, sum = x;
        for (var n = 3; BigInteger.Abs(term) > 1; n += 2)
        {
            term = Times(term, square) / n;
            sum += term;
        }

        return (One / 2) + Over(Times(Exp(-square / 2), sum), Sqrt(2 * Pi));
    }

    public static BigInteger Sqrt(BigInteger value)
    {
        // Newton from above on integers: floor of the root of value 2^Bits.
        var target = value << Bits;
        var root = BigInteger.One << (int)((target.GetBitLength() / 2) + 1);
        while (true)
        {
            var next = (root + (target / root)) >> 1;
            if (next >= root)
            {
                return root;
            }

            root = next;
        }
    }

    /// <summary>Machin: pi/4 = 4 arctan(1/5) - arctan(1/239).</summary>
    public static BigInteger Pi { get; } = 4 * ((4 * ArcTangentOfInverse(5)) - ArcTangentOfInverse(239));

    public static double ToDouble(BigInteger value) => (double)(value >> (Bits - 460)) * Math.Pow(2, -460);

    private static BigInteger ArcTangentOfInverse(int n)
    {
        BigInteger power = One / n, sum = power;
        for (var k = 1; power > 0; k++)
        {
            power /= n * n;
            sum += (k & 1) == 1 ? -power / ((2 * k) + 1) : power / ((2 * k) + 1);
        }

        return sum;
    }
}
