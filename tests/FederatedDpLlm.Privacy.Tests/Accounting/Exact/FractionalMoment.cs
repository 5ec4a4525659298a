using System.Numerics;

namespace FederatedDpLlm.Privacy.Tests.Accounting.Exact;

/// <summary>
/// A rigorous bracket of E[r^alpha], r = 1 - q + q e^(mu z - mu^2/2), z ~ N(0, 1), at any order above 1: Taylor's theorem at r = 1 with exact moments of d = r - 1. With an even number of terms the
/// remainder C(alpha, n) xi^(alpha - n) d^n has the sign of C(alpha, n), and its size is at most that with xi = 1 - q, the least r (for n above alpha).
/// </summary>
internal static class FractionalMoment
{
    /// <summary>E[r^alpha] - 1 from below and from above, for q = ratePerMille/1000, mu = muPerMille/1000, alpha = twiceAlpha/2.</summary>
    public static (double Lower, double Upper) Excess(int ratePerMille, int muPerMille, int twiceAlpha, int terms)
    {
        BigInteger rate = FixedPoint.Of(ratePerMille, 1000), power = FixedPoint.One, choose = FixedPoint.One, sum = 0, last = 0;
        for (var k = 1; k <= terms; k++)
        {
            power = FixedPoint.Times(power, rate);
            choose = choose * (twiceAlpha - (2 * (k - 1))) / (2 * k);
            last = FixedPoint.Times(choose, FixedPoint.Times(power, CentralMoment(muPerMille, k)));
            sum += k < terms ? last : 0;
        }

        // (1 - q)^(alpha - n) with n above alpha: at most (1 - q)^(-n).
        var stretch = FixedPoint.Over(FixedPoint.One, FixedPoint.Power(FixedPoint.One - rate, terms));
        var remainder = FixedPoint.Times(last, stretch);
        return (FixedPoint.ToDouble(sum + BigInteger.Min(0, remainder)), FixedPoint.ToDouble(sum + BigInteger.Max(0, remainder)));
    }

    // E[(e^(mu z - mu^2/2) - 1)^k] = sum of C(k, j) (-1)^(k-j) e^(j (j-1) mu^2/2).
    private static BigInteger CentralMoment(int muPerMille, int k)
    {
        BigInteger sum = 0, choose = 1;
        for (var j = 0; j <= k; j++)
        {
            var term = choose * FixedPoint.Exp(FixedPoint.Of((BigInteger)j * (j - 1) * muPerMille * muPerMille, 2_000_000));
            sum += ((k - j) & 1) == 0 ? term : -term;
            choose = choose * (k - j) / (j + 1);
        }

        return sum;
    }
}
