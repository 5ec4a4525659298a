using System.Numerics;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Sampling;

/// <summary>Slow and obvious: probabilities as whole numbers of 2^-320, from the exponential series and from the tables' thresholds.</summary>
internal static class ReferenceGaussian
{
    public const int Bits = 320;

    /// <summary>The discrete Gaussian, P(x) for x = 0..largest, cut nowhere within 26 sigma; each within a few units.</summary>
    public static BigInteger[] Masses(double variance, int largest)
    {
        // The variance is a double: a whole number over 2^64 where it is below 2^53.
        var scaled = (BigInteger)Math.ScaleB(variance, 64);
        var end = Math.Max(largest, (int)(26 * Math.Sqrt(variance)) + 2);
        var weights = Enumerable.Range(0, end + 1).Select(x => ExpMinus(((BigInteger)x * x) << 63, scaled)).ToArray();
        var total = (2 * weights.Aggregate(BigInteger.Zero, (sum, weight) => sum + weight)) - weights[0];
        return [.. weights.Take(largest + 1).Select(weight => (weight << Bits) / total)];
    }

    /// <summary>What a table gives: P(x) for x = 0..largest, exactly.</summary>
    public static BigInteger[] Masses(GaussianTable table)
    {
        var bounds = table.Thresholds.ToArray().Select(threshold => (BigInteger)threshold).Prepend(0).Append(BigInteger.One << 95).ToArray();

        // Of a magnitude other than 0, each sign has half.
        return [.. Enumerable.Range(0, bounds.Length - 1).Select(x => (bounds[x + 1] - bounds[x]) << (x == 0 ? Bits - 95 : Bits - 96))];
    }

    /// <summary>fine + k * coarse, for independent symmetric parts.</summary>
    public static BigInteger[] Convolve(BigInteger[] fine, int k, BigInteger[] coarse)
    {
        var sum = new BigInteger[fine.Length + (k * (coarse.Length - 1))];
        for (var a = 1 - fine.Length; a < fine.Length; a++)
        {
            for (var b = 1 - coarse.Length; b < coarse.Length; b++)
            {
                if (a + (k * b) is >= 0 and var x)
                {
                    sum[x] += fine[Math.Abs(a)] * coarse[Math.Abs(b)];
                }
            }
        }

        return [.. sum.Select(mass => mass >> Bits)];
    }

    /// <summary>Half the sum of all differences, and what the first list leaves out.</summary>
    public static double Distance(BigInteger[] ideal, BigInteger[] real)
    {
        var sum = (BigInteger.One << Bits) - ideal[0];
        for (var x = 0; x < ideal.Length; x++)
        {
            sum += x == 0 ? BigInteger.Abs(ideal[0] - real[0]) : (2 * BigInteger.Abs(ideal[x] - real[x])) - (2 * ideal[x]);
        }

        return Math.Exp(BigInteger.Log(sum) - ((Bits + 1) * Math.Log(2)));
    }

    // 1/e^x with the series of e^(x/2^k), all of whose terms are positive, then k squarings.
    private static BigInteger ExpMinus(BigInteger numerator, BigInteger denominator)
    {
        const int Guard = Bits + 128;
        var halvings = (int)Math.Max(0, numerator.GetBitLength() - denominator.GetBitLength() + 2);
        var one = BigInteger.One << Guard;
        BigInteger sum = one, term = one;
        for (var i = 1; !term.IsZero; i++)
        {
            term = term * numerator / (denominator << halvings) / i;
            sum += term;
        }

        var result = (one << Guard) / sum;
        for (var i = 0; i < halvings; i++)
        {
            result = (result * result) >> Guard;
        }

        return result >> (Guard - Bits);
    }
}
