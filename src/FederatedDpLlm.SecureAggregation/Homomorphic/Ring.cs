using System.Numerics;

namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>
/// The ring Z_q[X]/(X^N + 1) in which updates and keys are encrypted, q a product of four primes (residue number system).
/// Parameters: N = 8192, the four largest primes below 2^50 that are 1 modulo 2N; log2 q = 200.0, below the 202 bits that the Homomorphic Encryption
/// Standard (Albrecht et al., 2018) gives for 128 bits against quantum computers at N = 8192 with ternary secrets (218 classical); our secrets are wider.
/// The lattice estimator was not run for these parameters: see docs/adr.
/// </summary>
internal static class Ring
{
    /// <summary>N.</summary>
    public const int Degree = 8192;

    /// <summary>log2 N.</summary>
    public const int DegreeBits = 13;

    /// <summary>The number of primes.</summary>
    public const int Primes = 4;

    /// <summary>Residues of one element.</summary>
    public const int Residues = Primes * Degree;

    /// <summary>Bits of one residue.</summary>
    public const int ResidueBits = 50;

    private static readonly RingModulus[] AllModuli =
        [new(1125899906826241), new(1125899906629633), new(1125899905744897), new(1125899905351681)];

    /// <summary>The four primes.</summary>
    public static ReadOnlySpan<RingModulus> Moduli => AllModuli;

    /// <summary>q.</summary>
    public static BigInteger Modulus { get; } = AllModuli.Aggregate(BigInteger.One, (product, modulus) => product * modulus.Value);

    /// <summary>An index with its 13 bits in the opposite order.</summary>
    public static int ReverseBits(uint index)
    {
        var reversed = 0;
        for (var bit = 0; bit < DegreeBits; bit++)
        {
            reversed |= (int)((index >> bit) & 1) << (DegreeBits - 1 - bit);
        }

        return reversed;
    }

    /// <summary>
    /// The exponent e for which the transform's output at a place is the polynomial's value at root^e. The last pass leaves each 8 by 8 block transposed,
    /// since products do not care and two shuffles are saved.
    /// </summary>
    public static int ExponentAt(int place)
    {
        var (block, row, lane) = (place / 64, place / 8 % 8, place % 8);
        return (2 * ReverseBits((uint)((64 * block) + (8 * lane) + row))) + 1;
    }
}
