using System.Runtime.InteropServices;

namespace FederatedDpLlm.Privacy.Sampling;

/// <summary>Exactly uniform integers from uniform bytes, by rejection.</summary>
internal static class Uniform
{
    /// <summary>Uniform in [0, bound); the bound is at least 1.</summary>
    public static ulong Below(ulong bound, ISecureRandom random)
    {
        var mask = ulong.MaxValue >> System.Numerics.BitOperations.LeadingZeroCount((bound - 1) | 1);
        while (true)
        {
            ulong drawn = 0;
            random.Fill(MemoryMarshal.AsBytes(new Span<ulong>(ref drawn)));
            if ((drawn & mask) < bound)
            {
                return drawn & mask;
            }
        }
    }

    /// <summary>Uniform in [0, bound); the bound is at least 1.</summary>
    public static UInt128 Below(UInt128 bound, ISecureRandom random)
    {
        if (bound <= ulong.MaxValue)
        {
            return Below((ulong)bound, random);
        }

        var mask = UInt128.MaxValue >> (int)UInt128.LeadingZeroCount(bound - 1);
        while (true)
        {
            UInt128 drawn = 0;
            random.Fill(MemoryMarshal.AsBytes(new Span<UInt128>(ref drawn)));
            if ((drawn & mask) < bound)
            {
                return drawn & mask;
            }
        }
    }
}
