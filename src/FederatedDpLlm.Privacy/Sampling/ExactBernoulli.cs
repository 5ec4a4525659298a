namespace FederatedDpLlm.Privacy.Sampling;

/// <summary>
/// Coins whose probability is exactly e^(-n/d) or n/d, by comparing uniform integers only: Canonne, Kamath, Steinke, arXiv:2004.00010, Algorithm 1.
/// </summary>
internal static class ExactBernoulli
{
    /// <summary>True with probability n/d exactly; 0 &lt;= n &lt;= d, d &gt; 0.</summary>
    public static bool Ratio(UInt128 numerator, UInt128 denominator, ISecureRandom random) => Uniform.Below(denominator, random) < numerator;

    /// <summary>True with probability exp(-n/d) exactly; d &gt; 0.</summary>
    public static bool ExpMinus(UInt128 numerator, UInt128 denominator, ISecureRandom random)
    {
        // e^-x = (e^-1)^floor(x) e^-frac(x): the first failure ends it, so the expected work is bounded however large x is.
        while (numerator >= denominator)
        {
            if (!ExpMinusFraction(1, 1, random))
            {
                return false;
            }

            numerator -= denominator;
        }

        return numerator == 0 || ExpMinusFraction(numerator, denominator, random);
    }

    // For x = n/d in [0, 1]: the first k at which a coin of probability x/k fails is odd with probability e^-x (the alternating series of e^-x).
    // The coin x/k is two coins, x and 1/k, so no product can overflow.
    private static bool ExpMinusFraction(UInt128 numerator, UInt128 denominator, ISecureRandom random)
    {
        ulong k = 1;
        while (Uniform.Below(k, random) == 0 && Ratio(numerator, denominator, random))
        {
            k++;
        }

        return (k & 1) == 1;
    }
}
