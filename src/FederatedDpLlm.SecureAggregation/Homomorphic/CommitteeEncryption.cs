using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>
/// Encryption of small keys to the committee, addition, and decryption from t answers: (c0, c1) = (b u + K e0 + D m, a u + K e1) with K = (m!)^2 and
/// D = floor(q / 2^17), where b + a s = K e for the committee's key s. An answer is c1 F(i) + m! f with F(i) the member's share of s and f the flooding.
/// References: see <see cref="CommitteeParameters"/>; Fan, Vercauteren, ePrint 2012/144 (the scaled plaintext).
/// A member must answer once for a key: every answer more is one more equation about its share (ePrint 2025/409, 2026/031).
/// </summary>
internal static class CommitteeEncryption
{
    /// <summary>Length of a ciphertext: c0, then c1.</summary>
    public const int CiphertextSizeBytes = 2 * ResidueFormat.ElementSizeBytes;

    /// <summary>a, as values.</summary>
    public static RingElement PublicPolynomial(ReadOnlySpan<byte> publicSeed)
    {
        using var stream = new KeystreamWords(publicSeed);
        return RingElement.Uniform(stream, region: 0);
    }

    /// <summary>Encrypts small coefficients.</summary>
    /// <param name="parameters">The committee.</param>
    /// <param name="publicSeed">The seed of a.</param>
    /// <param name="publicKey">b, the sum of the members' public parts.</param>
    /// <param name="message">N coefficients of at most <see cref="GaussianNoise.Largest"/>.</param>
    /// <param name="secret">This client's secret for this ciphertext (32 bytes).</param>
    /// <param name="ciphertext">Filled.</param>
    public static void Encrypt(
        CommitteeParameters parameters, ReadOnlySpan<byte> publicSeed, RingElement publicKey, ReadOnlySpan<long> message, ReadOnlySpan<byte> secret, Span<byte> ciphertext)
    {
        var arithmetic = RingArithmetic.Fastest;
        using var stream = KeystreamWords.Derive(secret, [], "committee encryption"u8, [], -1, -1);
        using var uniform = PublicPolynomial(publicSeed);
        var small = GC.AllocateArray<long>(Ring.Degree, pinned: true);
        var doubles = GC.AllocateArray<double>(Ring.Degree, pinned: true);
        GaussianNoise.Fill(small, stream, region: 0);
        using var ephemeral = RingElement.Transformed(small, arithmetic);
        for (var half = 0; half < 2; half++)
        {
            using var part = new RingElement();
            GaussianNoise.Fill(small, stream, 1 + half);
            for (var prime = 0; prime < Ring.Primes; prime++)
            {
                var modulus = Ring.Moduli[prime];
                SmallIntegers.ToDoubles(small, doubles);
                arithmetic.MultiplyAdd(part[prime], doubles, modulus.Residue(parameters.NoiseScale), modulus);
                if (half == 0)
                {
                    SmallIntegers.ToDoubles(message, doubles);
                    arithmetic.MultiplyAdd(part[prime], doubles, modulus.Residue(CommitteeParameters.Scale), modulus);
                }

                arithmetic.Transform(part[prime], modulus);
                arithmetic.MultiplyAdd(part[prime], half == 0 ? publicKey[prime] : uniform[prime], ephemeral[prime], modulus);
            }

            part.Write(ciphertext.Slice(half * ResidueFormat.ElementSizeBytes, ResidueFormat.ElementSizeBytes));
        }

        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(small.AsSpan()));
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(doubles.AsSpan()));
    }

    /// <summary>A member's answer: c1 times its share, flooded. The flooding's key is fresh, and used for nothing else.</summary>
    public static byte[] Answer(CommitteeParameters parameters, RingElement secondParts, RingElement share, KeystreamWords flooding)
    {
        var arithmetic = RingArithmetic.Fastest;
        using var answer = new RingElement();
        using var limbs = new Flooding(flooding);
        for (var prime = 0; prime < Ring.Primes; prime++)
        {
            var modulus = Ring.Moduli[prime];
            arithmetic.Combine(answer[prime], new LimbPlanes(limbs.Limbs), LimbFactors.Of(parameters.FloodingScale, modulus), modulus);
            arithmetic.Transform(answer[prime], modulus);
            arithmetic.MultiplyAdd(answer[prime], secondParts[prime], share[prime], modulus);
        }

        return answer.ToBytes();
    }

    /// <summary>
    /// The sum of the messages from the sum of the first parts and exactly t answers (by point, consumed); null where the noise is larger than it can be: some
    /// answer, share or ciphertext was not what it should be.
    /// </summary>
    public static long[]? Open(CommitteeParameters parameters, RingElement firstParts, IReadOnlyDictionary<int, RingElement> answers, int survivors)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(answers.Count, parameters.Threshold);
        var arithmetic = RingArithmetic.Fastest;
        using var sum = new RingElement();
        for (var prime = 0; prime < Ring.Primes; prime++)
        {
            var modulus = Ring.Moduli[prime];
            firstParts[prime].CopyTo(sum[prime]);
            foreach (var (point, answer) in answers)
            {
                arithmetic.MultiplyAdd(sum[prime], answer[prime], CommitteeParameters.Lagrange(point, answers.Keys, modulus), modulus);
            }

            arithmetic.InverseTransform(sum[prime], modulus);
        }

        MixedRadix.ToDigits(sum, arithmetic);
        var messages = new long[Ring.Degree];
        for (var i = 0; i < messages.Length; i++)
        {
            var value = MixedRadix.ToInteger(sum, i);
            var nearest = Nearest(value);
            if (BigInteger.Abs(value - (nearest * CommitteeParameters.Scale)) > parameters.NoiseBound || BigInteger.Abs(nearest) > (long)survivors * GaussianNoise.Largest)
            {
                return null;
            }

            messages[i] = (long)nearest;
        }

        return messages;
    }

    private static BigInteger Nearest(BigInteger value)
    {
        var scale = CommitteeParameters.Scale;
        var quotient = BigInteger.DivRem((2 * value) + scale, 2 * scale, out var rest);
        return rest.Sign < 0 ? quotient - 1 : quotient;
    }

    // Uniform in [-2^134, 2^134): two limbs of 50 bits and a signed one of 35.
    private sealed class Flooding : IDisposable
    {
        private const int Bits = CommitteeParameters.FloodingBits + 1;
        private readonly double[] _limbs = GC.AllocateArray<double>(LimbPlanes.Limbs * Ring.Degree, pinned: true);

        public Flooding(KeystreamWords stream)
        {
            var words = GC.AllocateArray<ulong>(Ring.Degree, pinned: true);
            for (var limb = 0; limb < LimbPlanes.Limbs - 1; limb++)
            {
                var bits = Math.Min(LimbPlanes.LimbBits, Bits - (limb * LimbPlanes.LimbBits));
                var offset = limb == LimbPlanes.Limbs - 2 ? 1L << (bits - 1) : 0;
                stream.Fill(words, limb);
                for (var i = 0; i < words.Length; i++)
                {
                    _limbs[(limb * Ring.Degree) + i] = (long)(words[i] >> (64 - bits)) - offset;
                }
            }

            CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(words.AsSpan()));
        }

        public ReadOnlySpan<double> Limbs => _limbs;

        public void Dispose() => CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(_limbs.AsSpan()));
    }
}
