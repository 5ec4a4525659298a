using System.Numerics;
using CsCheck;
using FederatedDpLlm.SecureAggregation.Homomorphic;

namespace FederatedDpLlm.SecureAggregation.Tests.Homomorphic;

public sealed class RingArithmeticTests
{
    internal static readonly LaneWidth[] Widths = [.. Enum.GetValues<LaneWidth>().Where(width => RingArithmetic.Supported(width) is not null)];

    [Fact]
    public void The_four_moduli_are_the_largest_suitable_primes_of_fifty_bits()
    {
        var found = new List<ulong>();
        for (var candidate = (1UL << 50) - (2 * Ring.Degree) + 1; found.Count < 4; candidate -= 2 * Ring.Degree)
        {
            if (IsPrime(candidate))
            {
                found.Add(candidate);
            }
        }

        Assert.Equal(found, Ring.Moduli.ToArray().Select(modulus => modulus.Value));
        Assert.InRange(BigInteger.Log(Ring.Modulus, 2), 199.999, 200);
        Assert.All(Ring.Moduli.ToArray(), modulus => Assert.Equal(modulus.Value - 1, BigInteger.ModPow(modulus.Root, Ring.Degree, modulus.Value)));
    }

    [Fact]
    public void The_transform_gives_the_polynomials_values_at_the_odd_powers_of_the_root()
    {
        var random = new TestRandom(1);
        foreach (var modulus in Ring.Moduli)
        {
            var coefficients = RandomPlane(modulus, random);
            var values = coefficients.ToArray();
            RingArithmetic.Fastest.Transform(values, modulus);
            foreach (var place in Enumerable.Range(0, 40).Select(_ => random.Below(Ring.Degree)).Concat([0, 1, 8, 63, 64, Ring.Degree - 1]))
            {
                Assert.Equal(Evaluate(coefficients, BigInteger.ModPow(modulus.Root, Ring.ExponentAt(place), modulus.Value), modulus), Canonical(values[place], modulus));
            }
        }

        Assert.Equal(Ring.Degree, Enumerable.Range(0, Ring.Degree).Select(Ring.ExponentAt).Distinct().Count());
    }

    [Fact]
    public void Every_width_gives_the_same_bits_in_every_operation()
    {
        Assert.True(Widths.Length > 1 || !System.Runtime.Intrinsics.X86.Avx2.IsSupported);
        Gen.Select(Gen.Long, Gen.Int[0, 3], Gen.Int[0, 2]).Sample(
            (seed, prime, kind) =>
            {
                var (random, modulus) = (new TestRandom(seed), Ring.Moduli[prime]);
                var (input, other) = (Plane(modulus, random, kind), RandomPlane(modulus, random));
                var results = Widths.Select(width => AllOperations(RingArithmetic.Supported(width)!, input, other, modulus)).ToArray();
                Assert.All(results.Skip(1), result => Assert.True(result.AsSpan().SequenceEqual(results[0])));
            },
            iter: 40, threads: 1);
    }

    [Fact]
    public void The_inverse_takes_every_width_back_to_the_coefficients()
    {
        foreach (var width in Widths)
        {
            foreach (var modulus in Ring.Moduli)
            {
                for (var kind = 0; kind < 3; kind++)
                {
                    var plane = Plane(modulus, new TestRandom(kind), kind);
                    var back = plane.ToArray();
                    RingArithmetic.Supported(width)!.Transform(back, modulus);
                    Assert.All(back, value => Assert.True(Math.Abs(value) <= (modulus.Modulus / 2) + 1));
                    RingArithmetic.Supported(width)!.InverseTransform(back, modulus);
                    Assert.Equal(plane.Select(value => Canonical(value, modulus)), back.Select(value => Canonical(value, modulus)));
                }
            }
        }
    }

    [Fact]
    public void Products_of_values_are_products_of_polynomials_modulo_X_to_the_N_plus_one()
    {
        // Slow and obvious: a sparse factor, so that the schoolbook product takes milliseconds.
        var random = new TestRandom(5);
        var modulus = Ring.Moduli[2];
        var left = RandomPlane(modulus, random);
        var right = new double[Ring.Degree];
        var expected = new BigInteger[Ring.Degree];
        foreach (var place in new[] { 0, 1, 77, 4096, Ring.Degree - 1 })
        {
            right[place] = random.Below(1 << 30) - (1 << 29);
            for (var i = 0; i < Ring.Degree; i++)
            {
                var product = (BigInteger)left[i] * (BigInteger)right[place];
                expected[(i + place) % Ring.Degree] += i + place < Ring.Degree ? product : -product;
            }
        }

        var result = new double[Ring.Degree];
        RingArithmetic.Fastest.Transform(left, modulus);
        RingArithmetic.Fastest.Transform(right, modulus);
        RingArithmetic.Fastest.MultiplyAdd(result, left, right, modulus);
        RingArithmetic.Fastest.InverseTransform(result, modulus);
        Assert.Equal(expected.Select(value => (ulong)(((value % modulus.Value) + modulus.Value) % modulus.Value)), result.Select(value => Canonical(value, modulus)));
    }

    [Fact]
    public void Residues_and_digits_give_back_any_integer_between_minus_and_plus_half_the_modulus()
    {
        var random = new TestRandom(9);
        var integers = Enumerable.Range(0, Ring.Degree).Select(i => i < 4 ? Edge(i) : new BigInteger(Bytes(random, 24)) % (Ring.Modulus / 2)).ToArray();
        using var element = new RingElement();
        for (var prime = 0; prime < Ring.Primes; prime++)
        {
            for (var i = 0; i < integers.Length; i++)
            {
                element[prime][i] = Ring.Moduli[prime].Residue(integers[i]);
            }
        }

        MixedRadix.ToDigits(element, RingArithmetic.Fastest);
        Span<ulong> words = stackalloc ulong[4];
        for (var i = 0; i < integers.Length; i++)
        {
            Assert.Equal(integers[i], MixedRadix.ToInteger(element, i));
            MixedRadix.ToWords(element, i, words);
            var expected = (integers[i] + (BigInteger.One << 256)) % (BigInteger.One << 256);
            Assert.Equal(expected, Enumerable.Range(0, 4).Aggregate(BigInteger.Zero, (sum, k) => sum) + words[0] + ((BigInteger)words[1] << 64) + ((BigInteger)words[2] << 128) + ((BigInteger)words[3] << 192));
        }
    }

    [Fact]
    public void Limbs_combine_to_the_residue_of_their_integer()
    {
        var random = new TestRandom(11);
        var limbs = new double[4 * 64];
        for (var i = 0; i < limbs.Length; i++)
        {
            limbs[i] = i < 8 ? (1L << 50) - 1 : random.Below(1 << 30) * (double)(1 << 20) * (i >= 192 && i % 2 == 0 ? -1 : 1);
        }

        foreach (var modulus in Ring.Moduli)
        {
            foreach (var scale in new BigInteger[] { 1, 40320 })
            {
                var result = new double[64];
                RingArithmetic.Fastest.Combine(result, new LimbPlanes(limbs), LimbFactors.Of(scale, modulus), modulus);
                for (var i = 0; i < 64; i++)
                {
                    var integer = Enumerable.Range(0, 4).Aggregate(BigInteger.Zero, (sum, k) => sum + ((BigInteger)limbs[(64 * k) + i] << (50 * k))) * scale;
                    Assert.Equal((ulong)(((integer % modulus.Value) + modulus.Value) % modulus.Value), Canonical(result[i], modulus));
                }
            }
        }
    }

    internal static double[] RandomPlane(RingModulus modulus, TestRandom random)
    {
        var words = new byte[8 * Ring.Degree];
        random.Fill(words);
        return [.. Enumerable.Range(0, Ring.Degree).Select(i =>
        {
            var residue = BitConverter.ToUInt64(words, 8 * i) % modulus.Value;
            return residue > modulus.Value / 2 ? -(double)(modulus.Value - residue) : residue;
        })];
    }

    internal static ulong Canonical(double residue, RingModulus modulus) => residue < 0 ? (ulong)(residue + modulus.Modulus) : (ulong)residue;

    // Random, all at the bound, and alternating bounds: the largest sums that the stages can meet.
    private static double[] Plane(RingModulus modulus, TestRandom random, int kind) => kind switch
    {
        0 => RandomPlane(modulus, random),
        1 => [.. Enumerable.Repeat(modulus.Modulus - 1, Ring.Degree)],
        _ => [.. Enumerable.Range(0, Ring.Degree).Select(i => (random.Below(2) == 0 ? 1 : -1) * (modulus.Modulus - 1))],
    };

    private static double[] AllOperations(RingArithmetic arithmetic, double[] input, double[] other, RingModulus modulus)
    {
        var forward = input.ToArray();
        arithmetic.Transform(forward, modulus);
        var backward = forward.ToArray();
        arithmetic.InverseTransform(backward, modulus);
        var product = forward.ToArray();
        arithmetic.MultiplyAdd(product, input, other, modulus);
        var scaled = forward.ToArray();
        arithmetic.MultiplyAdd(scaled, input, other[0], modulus);
        var difference = new double[Ring.Degree];
        arithmetic.ScaledDifference(difference, forward, other, other[1], modulus);
        var combined = new double[Ring.Degree / 4];
        arithmetic.Combine(combined, new LimbPlanes(input), other.AsSpan(0, 4), modulus);
        return [.. forward, .. backward, .. product, .. scaled, .. difference, .. combined];
    }

    private static ulong Evaluate(double[] coefficients, BigInteger at, RingModulus modulus)
    {
        var (value, x) = ((UInt128)0, (UInt128)at);
        for (var i = Ring.Degree - 1; i >= 0; i--)
        {
            value = ((value * x) + Canonical(coefficients[i], modulus)) % modulus.Value;
        }

        return (ulong)value;
    }

    private static BigInteger Edge(int i) => i switch
    {
        0 => 0,
        1 => -1,
        2 => (Ring.Modulus / 2) - (BigInteger.One << 100),
        _ => (BigInteger.One << 100) - (Ring.Modulus / 2),
    };

    private static byte[] Bytes(TestRandom random, int count)
    {
        var bytes = new byte[count];
        random.Fill(bytes);
        return bytes;
    }

    private static bool IsPrime(ulong candidate)
    {
        // Miller-Rabin; these bases decide for all numbers below 3.4e14 times 2^10 (Sorenson, Webster 2015: the first 13 primes decide below 3.3e24).
        var (odd, twos) = (candidate - 1, 0);
        while (odd % 2 == 0)
        {
            (odd, twos) = (odd / 2, twos + 1);
        }

        return new[] { 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41 }.All(witness =>
        {
            var power = BigInteger.ModPow(witness, odd, candidate);
            for (var i = 0; i < twos && power != 1 && power != candidate - 1; i++)
            {
                power = BigInteger.ModPow(power, 2, candidate);
                if (power == 1)
                {
                    return false;
                }
            }

            return power == 1 || power == candidate - 1;
        });
    }
}
