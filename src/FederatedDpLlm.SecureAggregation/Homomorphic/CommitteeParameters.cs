using System.Numerics;

namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>
/// Sizes of the committee's threshold encryption, checked when they are made.
/// References: Boneh, Gennaro, Goldfeder, Jain, Kim, Rasmussen, Sahai, "Threshold cryptosystems from threshold fully homomorphic encryption", CRYPTO 2018
/// (Shamir's sharing of the key with cleared denominators: fresh noise is a multiple of (m!)^2, flooding one of m!, and then any t of m answers combine);
/// Mouchet, Bertrand, Hubaux, ePrint 2022/780 (the same over a residue number system).
/// Parameters: at most 12 members; plaintexts modulo 2^17 hold the sum of 1,024 key coefficients; flooding uniform in [-2^134, 2^134) times m!.
/// Why N = 8192 with 200 bits and not N = 4096 with 96: with 96 bits no flooding hides the worst-case noise of 1,024 clients in all 8,192 coefficients at
/// 2^-40, and this way one ring, one transform and one ciphertext do.
/// </summary>
internal sealed class CommitteeParameters
{
    /// <summary>The largest committee for which the flooding fits.</summary>
    public const int MostMembers = 12;

    /// <summary>Bits of a plaintext coefficient, its sign included.</summary>
    public const int PlaintextBits = 17;

    /// <summary>The flooding is uniform in [-2^b, 2^b).</summary>
    public const int FloodingBits = 134;

    /// <summary>What one honest answer may tell beyond the sum, in all its coefficients together and for all members: at most 2^-40 in statistical distance.</summary>
    public const int StatisticalBits = 40;

    /// <param name="members">At most <see cref="MostMembers"/>.</param>
    /// <param name="threshold">How many answers decrypt.</param>
    /// <param name="clients">How many keys may add up.</param>
    /// <exception cref="ArgumentException">Decryption would not be certain, or an answer would say too much.</exception>
    public CommitteeParameters(int members, int threshold, int clients)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(members, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(members, MostMembers);
        ArgumentOutOfRangeException.ThrowIfLessThan(threshold, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threshold, members);
        (Members, Threshold, Clients) = (members, threshold, clients);
        FloodingScale = Enumerable.Range(1, members).Aggregate(BigInteger.One, (product, factor) => product * factor);
        NoiseScale = FloodingScale * FloodingScale;

        // e_pk u + e_0 + e_1 s for every client, e_pk and s the sums of the members' errors and keys.
        var unscaled = clients * ((2 * (BigInteger)Ring.Degree * members * GaussianNoise.Largest * GaussianNoise.Largest) + GaussianNoise.Largest);
        NoiseBound = (NoiseScale * unscaled) + (FloodingScale * (BigInteger.One << FloodingBits) * threshold * LargestLagrange(members)) + (1 << PlaintextBits);

        // A simulator makes an honest answer from the other shares and the sum; it is off by a coefficient times the fresh noise, in units of the flooding.
        var shift = FloodingScale * unscaled * LargestExtrapolation(members);
        var largestPlaintext = (BigInteger)clients * GaussianNoise.Largest;
        if (2 * NoiseBound >= Scale
            || 2 * largestPlaintext >= BigInteger.One << PlaintextBits
            || shift * Ring.Degree * members << StatisticalBits > BigInteger.One << (FloodingBits + 1))
        {
            throw new ArgumentException("A committee of that size could not decrypt so many keys with certainty and without saying more than their sum.", nameof(members));
        }
    }

    /// <summary>m.</summary>
    public int Members { get; }

    /// <summary>t.</summary>
    public int Threshold { get; }

    /// <summary>How many keys may add up.</summary>
    public int Clients { get; }

    /// <summary>m!, of which the flooding is a multiple.</summary>
    public BigInteger FloodingScale { get; }

    /// <summary>(m!)^2, of which the noise of keys and ciphertexts is a multiple.</summary>
    public BigInteger NoiseScale { get; }

    /// <summary>The most that can stand beside the scaled plaintext of a sum.</summary>
    public BigInteger NoiseBound { get; }

    /// <summary>floor(q / 2^17): what a plaintext is multiplied by.</summary>
    public static BigInteger Scale => Ring.Modulus >> PlaintextBits;

    /// <summary>The residue modulo a prime of the factor of an answer: the Lagrange coefficient at zero of its point among all points.</summary>
    public static double Lagrange(int point, IEnumerable<int> points, RingModulus modulus)
    {
        var (numerator, denominator) = (BigInteger.One, BigInteger.One);
        foreach (var other in points.Where(other => other != point))
        {
            numerator *= other;
            denominator *= other - point;
        }

        return modulus.Residue(numerator * (BigInteger)modulus.ResidueOfInverse(denominator));
    }

    // An upper bound for |product of j/(j - i)| over any set of points.
    private static BigInteger LargestLagrange(int members) =>
        Enumerable.Range(1, members).Max(i => ProductOfLargeFactors(members, i, (j, distance) => (j, distance)));

    // An upper bound for |product of (i - k)/k| over any set of points.
    private static BigInteger LargestExtrapolation(int members) =>
        Enumerable.Range(1, members).Max(i => ProductOfLargeFactors(members, i, (k, distance) => (distance, k)));

    private static BigInteger ProductOfLargeFactors(int members, int point, Func<int, int, (int Numerator, int Denominator)> factor)
    {
        var (numerator, denominator) = (BigInteger.One, BigInteger.One);
        foreach (var other in Enumerable.Range(1, members).Where(other => other != point))
        {
            var (above, below) = factor(other, Math.Abs(other - point));
            if (above > below)
            {
                (numerator, denominator) = (numerator * above, denominator * below);
            }
        }

        return (numerator / denominator) + 1;
    }
}
