namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>Integers of up to 200 bits as four planes of 50-bit limbs, lowest first; the highest limb may be negative.</summary>
internal readonly ref struct LimbPlanes(ReadOnlySpan<double> all)
{
    /// <summary>Bits of a limb.</summary>
    public const int LimbBits = 50;

    /// <summary>Limbs of an integer.</summary>
    public const int Limbs = 4;

    private readonly ReadOnlySpan<double> _all = all;

    /// <summary>How many integers there are.</summary>
    public int Length => _all.Length / Limbs;

    /// <summary>The four planes one after the other.</summary>
    public ReadOnlySpan<double> All => _all;
}
