using System.Numerics;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Sampling;

/// <summary>Slow and obvious: Algorithm 1 of Canonne, Kamath, Steinke (arXiv:2004.00010), comparing uniform integers only.</summary>
internal static class ReferenceBernoulli
{
    public static bool ExpMinus(BigInteger numerator, BigInteger denominator, ISecureRandom random)
    {
        for (; numerator > denominator; numerator -= denominator)
        {
            if (!ExpMinus(1, 1, random))
            {
                return false;
            }
        }

        var k = 1;
        while (Below(denominator * k, random) < numerator)
        {
            k++;
        }

        return k % 2 == 1;
    }

    private static BigInteger Below(BigInteger bound, ISecureRandom random)
    {
        Span<byte> bytes = stackalloc byte[bound.GetByteCount() + 8];
        random.Fill(bytes);
        return new BigInteger(bytes, isUnsigned: true) % bound;
    }
}
