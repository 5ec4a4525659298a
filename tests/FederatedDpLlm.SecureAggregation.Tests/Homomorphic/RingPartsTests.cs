using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using CsCheck;
using FederatedDpLlm.SecureAggregation.Homomorphic;

namespace FederatedDpLlm.SecureAggregation.Tests.Homomorphic;

/// <summary>The parts that encryption is made of, each by itself.</summary>
public sealed class RingPartsTests
{
    [Fact]
    public void Words_are_the_blocks_of_AES_in_their_region_and_words_drawn_again_lie_in_its_second_half()
    {
        byte[] key = [.. Enumerable.Range(0, 16).Select(i => (byte)(3 * i))];
        using var stream = new KeystreamWords(key);
        var words = new ulong[6];
        foreach (var region in new[] { 0, 1, 5, 1 << 20 })
        {
            stream.Fill(words, region, firstWord: 4);
            Assert.Equal(Enumerable.Range(0, 6).Select(i => Word(key, ((ulong)region << 24) + 2 + ((ulong)i / 2), i % 2)), words);
            foreach (var (index, attempt) in new[] { (0, 0), (17, 0), (17, 1), (8191, 63), (3, 64) })
            {
                Assert.Equal(Word(key, ((ulong)region << 24) + (1UL << 23) + ((ulong)(attempt % 64) << 17) + (ulong)index, 0), stream.DrawAgain(region, index, attempt));
            }
        }
    }

    [Fact]
    public void Residues_and_inverses_are_centred_and_right_for_numbers_of_both_signs()
    {
        foreach (var modulus in Ring.Moduli)
        {
            BigInteger p = modulus.Value;
            foreach (var number in new[] { 1, -1, 2, -7, p + 3, -p - 3, p / 2, (p / 2) + 1, (BigInteger.One << 190) + 5, -(BigInteger.One << 190) - 5 })
            {
                AssertCongruent(number, modulus.Residue(number), p);
                Assert.InRange(Math.Abs(modulus.Residue(number)), 0, modulus.Modulus / 2);
                AssertCongruent(1, (BigInteger)modulus.ResidueOfInverse(number) * number, p);
                Assert.InRange(Math.Abs(modulus.ResidueOfInverse(number)), 0, modulus.Modulus / 2);
            }

            AssertCongruent(1, (BigInteger)modulus.DegreeInverse * Ring.Degree, p);
            Assert.Equal(1.0 / modulus.Value, modulus.Inverse);
            for (uint i = 1; i < Ring.Degree; i = (3 * i) + 1)
            {
                AssertCongruent(BigInteger.ModPow(modulus.Root, Ring.ReverseBits(i), p), modulus.Roots[(int)i], p);
                AssertCongruent(1, (BigInteger)modulus.Roots[(int)i] * (BigInteger)modulus.InverseRoots[(int)i], p);
            }
        }
    }

    [Fact]
    public void Bits_of_an_index_are_reversed() =>
        Assert.Equal([0, 4096, 2048, 6144, 1, 8191, 4095], new uint[] { 0, 1, 2, 3, 4096, 8191, 8190 }.Select(Ring.ReverseBits));

    [Fact]
    public void A_packed_coefficient_is_the_integer_of_its_slots_and_its_error()
    {
        foreach (var (bits, clients) in new[] { (16, 1024), (2, 4), (21, 1024), (14, 100), (8, 1), (16, 5) })
        {
            var layout = new SlotLayout(bits, clients);
            var random = new TestRandom(bits);
            var values = Enumerable.Range(0, layout.ValuesPerElement).Select(_ => random.Below(1 << bits) - (1 << (bits - 1))).ToArray();
            var noise = Enumerable.Range(0, SlotLayout.Piece).Select(_ => (long)random.Below(127) - 63).ToArray();
            foreach (var first in new[] { 0, 64, Ring.Degree - SlotLayout.Piece })
            {
                var limbs = new long[LimbPlanes.Limbs * SlotLayout.Piece];
                limbs.AsSpan().Fill(-1);
                Assert.True(layout.Pack(values, first, noise, limbs));
                for (var i = 0; i < SlotLayout.Piece; i++)
                {
                    var message = Enumerable.Range(0, layout.Slots).Aggregate(
                        BigInteger.Zero, (sum, slot) => sum + ((BigInteger)(values[(slot * Ring.Degree) + first + i] + (1 << (bits - 1))) << (slot * layout.SlotBits)));
                    var integer = message + ((BigInteger)noise[i] << layout.MessageBits);
                    Assert.Equal(integer, Enumerable.Range(0, 4).Aggregate(BigInteger.Zero, (sum, limb) => sum + ((BigInteger)limbs[(limb * SlotLayout.Piece) + i] << (50 * limb))));

                    var unpacked = new int[layout.ValuesPerElement];
                    var mask = (BigInteger.One << 64) - 1;
                    layout.Unpack((ulong)(message & mask), (ulong)((message >> 64) & mask), (ulong)(message >> 128), survivors: 1, first + i, unpacked);
                    Assert.All(Enumerable.Range(0, layout.Slots), slot => Assert.Equal(values[(slot * Ring.Degree) + first + i], unpacked[(slot * Ring.Degree) + first + i]));
                }
            }
        }
    }

    [Fact]
    public void One_sample_in_thirty_two_that_its_first_word_leaves_open_is_seen_wherever_it_stands()
    {
        using var stream = new KeystreamWords(new byte[16]);
        for (var place = 0; place < 32; place++)
        {
            // An entry whose lower half the second word reaches: the first word alone says one less.
            var (region, entry) = Enumerable.Range(0, 50)
                .SelectMany(region => GaussianNoise.CumulativeTable.ToArray().Where(one => (ulong)one <= stream.DrawAgain(region, place)).Select(one => (region, one))).First(one => one.one >> 64 < ulong.MaxValue >> 1);
            var words = Enumerable.Repeat(1UL << 60, 32).ToArray();
            words[place] = (ulong)(entry >> 64) << 1;
            var noise = new long[32];
            GaussianNoise.Decide(words, noise, stream, region, firstIndex: 0);
            Assert.Equal(GaussianNoise.Sample(entry, negative: false), noise[place]);
            Assert.Equal(GaussianNoise.Sample(entry - 1, negative: false) + 1, noise[place]);
        }
    }

    [Fact]
    public void Planes_of_a_wrong_length_are_mistakes_of_the_caller()
    {
        foreach (var width in RingArithmeticTests.Widths)
        {
            var arithmetic = RingArithmetic.Supported(width)!;
            var modulus = Ring.Moduli[0];
            var (right, longer, odd) = (new double[16], new double[24], new double[12]);
            Action[] calls =
            [
                () => arithmetic.Transform(new double[Ring.Degree - 8], modulus),
                () => arithmetic.InverseTransform(new double[Ring.Degree + 8], modulus),
                () => arithmetic.MultiplyAdd(right, longer, right, modulus),
                () => arithmetic.MultiplyAdd(right, right, longer, modulus),
                () => arithmetic.MultiplyAdd(odd, odd, odd, modulus),
                () => arithmetic.MultiplyAdd(right, longer, 1, modulus),
                () => arithmetic.MultiplyAdd(odd, odd, 1, modulus),
                () => arithmetic.ScaledDifference(right, longer, right, 1, modulus),
                () => arithmetic.ScaledDifference(right, right, longer, 1, modulus),
                () => arithmetic.ScaledDifference(odd, odd, odd, 1, modulus),
                () => arithmetic.Combine(longer, new LimbPlanes(new double[64]), new double[4], modulus),
                () => arithmetic.Combine(right, new LimbPlanes(new double[64]), new double[3], modulus),
                () => arithmetic.Combine(odd, new LimbPlanes(new double[48]), new double[4], modulus),
            ];
            Assert.All(calls, call => Assert.Throws<ArgumentOutOfRangeException>(call));
        }

        Action[] others =
        [
            () => SmallIntegers.ToDoubles(new long[12], new double[12]),
            () => SmallIntegers.ToDoubles(new long[16], new double[8]),
            () => ResidueFormat.Write(new double[Ring.Degree - 1], Ring.Moduli[0], new byte[ResidueFormat.PlaneSizeBytes]),
            () => ResidueFormat.Write(new double[Ring.Degree], Ring.Moduli[0], new byte[ResidueFormat.PlaneSizeBytes + 1]),
            () => ResidueFormat.TryAdd(new ulong[Ring.Degree - 32], new byte[ResidueFormat.PlaneSizeBytes], Ring.Moduli[0]),
            () => ResidueFormat.TryAdd(new ulong[Ring.Degree], new byte[ResidueFormat.PlaneSizeBytes - 200], Ring.Moduli[0]),
            () => new SlotLayout(16, 4).Pack(new int[7], 0, new long[64], new long[256]),
            () => new SlotLayout(16, 4).Pack(new int[new SlotLayout(16, 4).ValuesPerElement], 0, new long[64], new long[255]),
            () => new SlotLayout(16, 0),
        ];
        Assert.All(others, call => Assert.Throws<ArgumentOutOfRangeException>(call));
    }

    [Fact]
    public void A_vector_takes_as_many_elements_as_hold_it()
    {
        var layout = new SlotLayout(16, 1024);
        Assert.Equal(57_344, layout.ValuesPerElement);
        Assert.Equal([1, 1, 2, 2, 17_439], new[] { 1, 57_344, 57_345, 114_688, 1_000_000_000 }.Select(layout.ElementsFor));
        Assert.Equal(3L * 204_800, KeyAdditiveEncryption.SizeBytes(layout, 114_689));
        Assert.Equal(204_800, ResidueFormat.ElementSizeBytes);
    }

    [Fact]
    public void Sums_of_up_to_2_to_the_13_residues_are_centred() => Gen.Long.Sample(
        seed =>
        {
            var random = new TestRandom(seed);
            foreach (var modulus in Ring.Moduli)
            {
                var sums = Enumerable.Range(0, 16).Select(i => i == 0 ? 8192 * (modulus.Value - 1) : (ulong)random.Below(8192) * (modulus.Value - (ulong)random.Below(3) - 1)).ToArray();
                var plane = new double[16];
                ResidueFormat.Centre(sums, modulus, plane);
                for (var i = 0; i < 16; i++)
                {
                    AssertCongruent(sums[i], plane[i], modulus.Value);
                    Assert.InRange(Math.Abs(plane[i]), 0, (modulus.Modulus / 2) + 1);
                }
            }
        },
        iter: 20);

    private static void AssertCongruent(BigInteger expected, double found, BigInteger modulus) => AssertCongruent(expected, (BigInteger)found, modulus);

    private static void AssertCongruent(BigInteger expected, BigInteger found, BigInteger modulus) => Assert.True(((expected - found) % modulus).IsZero, $"{expected} is not {found} modulo {modulus}");

    private static ulong Word(byte[] key, ulong block, int half)
    {
        using var aes = Aes.Create();
        aes.SetKey(key);
        var counter = new byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(counter.AsSpan(8), block);
        return BinaryPrimitives.ReadUInt64LittleEndian(aes.EncryptEcb(counter, PaddingMode.None).AsSpan(8 * half));
    }
}
