using System.Numerics;

namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>
/// From residues to integers (Garner's algorithm): x = y0 + p0 (y1 + p1 (y2 + p2 y3)) with centred digits, which makes x itself centred, in (-q/2, q/2).
/// Reference: Knuth, The Art of Computer Programming, volume 2, section 4.3.2.
/// </summary>
internal static class MixedRadix
{
    // Inverse of prime j modulo prime i, for j below i.
    private static readonly double[][] Inverses =
        [.. Enumerable.Range(0, Ring.Primes).Select(i => Enumerable.Range(0, i).Select(j => Ring.Moduli[i].ResidueOfInverse(Ring.Moduli[j].Value)).ToArray())];

    /// <summary>Turns the residues of coefficients into digits, in place.</summary>
    public static void ToDigits(RingElement element, RingArithmetic arithmetic)
    {
        for (var i = 1; i < Ring.Primes; i++)
        {
            for (var j = 0; j < i; j++)
            {
                arithmetic.ScaledDifference(element[i], element[i], element[j], Inverses[i][j], Ring.Moduli[i]);
            }
        }
    }

    /// <summary>One coefficient modulo 2^256 from its digits, as two's complement in four words, lowest first.</summary>
    public static void ToWords(RingElement digits, int coefficient, Span<ulong> words)
    {
        var top = (long)digits[Ring.Primes - 1][coefficient];
        words[0] = unchecked((ulong)top);
        words[1..4].Fill(unchecked((ulong)(top >> 63)));
        for (var prime = Ring.Primes - 2; prime >= 0; prime--)
        {
            MultiplyAdd(words, Ring.Moduli[prime].Value, (long)digits[prime][coefficient]);
        }
    }

    /// <summary>One coefficient as an integer.</summary>
    public static BigInteger ToInteger(RingElement digits, int coefficient)
    {
        BigInteger value = (long)digits[Ring.Primes - 1][coefficient];
        for (var prime = Ring.Primes - 2; prime >= 0; prime--)
        {
            value = (value * Ring.Moduli[prime].Value) + (long)digits[prime][coefficient];
        }

        return value;
    }

    // words * factor + digit modulo 2^256: multiplication modulo a power of two does not care about signs.
    private static void MultiplyAdd(Span<ulong> words, ulong factor, long digit)
    {
        unchecked
        {
            var (addend, carry) = ((ulong)digit, 0UL);
            for (var i = 0; i < 4; i++)
            {
                var product = (UInt128)words[i] * factor;
                var sum = (UInt128)(ulong)product + addend + carry;
                words[i] = (ulong)sum;
                carry = (ulong)(product >> 64) + (ulong)(sum >> 64);
                addend = (ulong)(digit >> 63);
            }
        }
    }
}
