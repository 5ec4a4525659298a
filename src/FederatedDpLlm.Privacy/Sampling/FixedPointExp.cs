using System.Numerics;

namespace FederatedDpLlm.Privacy.Sampling;

/// <summary>
/// e^-x as an integer in units of 2^-104 for 0 &lt;= x &lt; 64, from integer arithmetic alone, so that it is the same on every machine and its error is proved
/// rather than promised by a platform.
/// </summary>
/// <remarks>
/// x is cut to units of 2^-44 and split: 10 bits of 1/16, 10 bits of 2^-14, 10 bits of 2^-24 through tables (each entry within 2^-63 relatively), and 20 bits of
/// 2^-44 through 1 - y (y below 2^-24, so within 2^-49). Products keep 64 bits. The relative error is at most 2^-44 (the cut) + 2^-49 + 2^-57 (tables and
/// products), and the last truncation to units of 2^-104 adds 2^(-104 + 1.45 x).
/// </remarks>
internal static class FixedPointExp
{
    public const int InputBits = 44;
    public const int OutputBits = 104;
    private const int TableBits = 10;
    private const int TableSize = 1 << TableBits;
    private const int LinearBits = 20;

    // Entries are mantissas in [2^63, 2^64) with a right shift of their own, so small values keep their digits.
    private static readonly (ulong Mantissa, int Shift)[] Coarse = Table(4);
    private static readonly (ulong Mantissa, int Shift)[] Middle = Table(14);
    private static readonly (ulong Mantissa, int Shift)[] Fine = Table(24);

    /// <param name="x">At least 0, below 64, in units of 2^-44.</param>
    public static UInt128 Minus(ulong x)
    {
        var coarse = Coarse[x >> (2 * TableBits + LinearBits)];
        var middle = Middle[(x >> (TableBits + LinearBits)) & (TableSize - 1)];
        var fine = Fine[(x >> LinearBits) & (TableSize - 1)];
        var linear = ulong.MaxValue - ((x & ((1UL << LinearBits) - 1)) << (64 - InputBits));
        var mantissa = High(High(High(coarse.Mantissa, middle.Mantissa), fine.Mantissa), linear);

        // Four fractions of 64 bits were multiplied: the value is mantissa 2^-64 2^-shifts.
        return ((UInt128)mantissa << (OutputBits - 64)) >> (coarse.Shift + middle.Shift + fine.Shift);
    }

    private static ulong High(ulong left, ulong right) => Math.BigMul(left, right, out _);

    // exp(-i 2^-fractionBits) for i = 0..1023 as mantissa 2^-64 2^-shift; 1 itself is (2^64 - 1) 2^-64.
    private static (ulong, int)[] Table(int fractionBits)
    {
        var table = new (ulong, int)[TableSize];
        for (var i = 0; i < TableSize; i++)
        {
            table[i] = Normalised(ExpMinus(i, fractionBits));
        }

        return table;
    }

    private static (ulong, int) Normalised(BigInteger inUnitsOf2ToMinus256)
    {
        var shift = 256 - (int)inUnitsOf2ToMinus256.GetBitLength();
        return shift < 0 ? (ulong.MaxValue, 0) : ((ulong)(inUnitsOf2ToMinus256 >> (192 - shift)), shift);
    }

    // e^-x = 1/e^x with the Taylor series of e^x in units of 2^-256: all terms are positive, so nothing cancels.
    private static BigInteger ExpMinus(int numerator, int fractionBits)
    {
        var one = BigInteger.One << 256;
        BigInteger sum = one, term = one;
        for (var k = 1; !term.IsZero; k++)
        {
            term = ((term * numerator) >> fractionBits) / k;
            sum += term;
        }

        return (one << 256) / sum;
    }
}
