using System.Numerics;

namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>What the four limbs of an integer are multiplied by to give its residue times a scale: scale * 2^(50 k) modulo p.</summary>
internal static class LimbFactors
{
    public static double[] Of(BigInteger scale, RingModulus modulus) =>
        [.. Enumerable.Range(0, LimbPlanes.Limbs).Select(limb => modulus.Residue(scale << (limb * LimbPlanes.LimbBits)))];
}
