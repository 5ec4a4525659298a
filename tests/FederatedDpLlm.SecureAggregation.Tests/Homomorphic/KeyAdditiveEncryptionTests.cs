using System.Numerics;
using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Homomorphic;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.SecureAggregation.Tests.Homomorphic;

public sealed class KeyAdditiveEncryptionTests
{
    private static readonly byte[] Public = [.. Enumerable.Range(1, 16).Select(i => (byte)i)];

    [Theory, InlineData(16, 4, 1), InlineData(16, 16, 57_345), InlineData(2, 4, 1000), InlineData(21, 1024, 41_000), InlineData(14, 100, 150_000)]
    public void Ciphertexts_added_without_a_key_open_with_the_sum_of_the_keys_to_the_exact_sum(int valueBits, int clients, int length)
    {
        var layout = new SlotLayout(valueBits, clients);
        var random = new TestRandom(length);
        var sum = new CiphertextSum(layout.ElementsFor(length));
        var keys = new long[KeyAdditiveEncryption.KeyLength];
        var expected = new int[length];
        for (var client = 0; client < 3; client++)
        {
            var values = Values(valueBits, length, random);
            for (var i = 0; i < length; i++)
            {
                expected[i] += values[i];
            }

            using var encryption = new KeyAdditiveEncryption(layout, Public, Secret(client));
            var ciphertext = new byte[KeyAdditiveEncryption.SizeBytes(layout, length)];
            encryption.Encrypt(values, ciphertext, workers: 1 + (client % 2));
            Assert.True(sum.TryAdd(ciphertext, workers: 1 + (client % 2)));
            for (var i = 0; i < keys.Length; i++)
            {
                keys[i] += encryption.Key[i];
            }
        }

        Assert.Equal(expected, new SumDecryption(layout, 3).Decrypt(sum, keys, Public, length, workers: 2)!);
    }

    // Every client at the largest error of both signs and the largest and smallest value in every slot: the budget's edge, not a sample of it.
    [Fact]
    public void The_largest_errors_and_values_of_1024_clients_still_open_exactly()
    {
        var layout = new SlotLayout(16, 1024);
        Assert.Equal((26, 7, 182), (layout.SlotBits, layout.Slots, layout.MessageBits));
        var random = new TestRandom(2);
        for (var sign = -1; sign <= 1; sign += 2)
        {
            using var message = new RingElement();
            var expected = new int[layout.ValuesPerElement];
            for (var coefficient = 0; coefficient < Ring.Degree; coefficient++)
            {
                var integer = (BigInteger)(sign * 1024 * GaussianNoise.Largest) << layout.MessageBits;
                for (var slot = 0; slot < layout.Slots; slot++)
                {
                    var value = random.Below(2) == 0 ? -32768 : 32767;
                    integer += (BigInteger)(1024 * (value + 32768)) << (slot * layout.SlotBits);
                    expected[(slot * Ring.Degree) + coefficient] = 1024 * value;
                }

                Assert.True(BigInteger.Abs(integer) * 2 < Ring.Modulus);
                for (var prime = 0; prime < Ring.Primes; prime++)
                {
                    message[prime][coefficient] = Ring.Moduli[prime].Residue(integer);
                }
            }

            Assert.Equal(expected, Open(layout, 1024, message)!);
            Assert.Null(Open(layout, 1023, message));
        }
    }

    [Fact]
    public void Too_many_clients_or_bits_for_a_coefficient_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new SlotLayout(14, 4096));

        // 2,048 clients' errors of at most 63 above 182 bits are just below half of q.
        Assert.Equal(182, new SlotLayout(15, 2048).MessageBits);
        Assert.Throws<ArgumentOutOfRangeException>(() => new SlotLayout(22, 1024));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SlotLayout(1, 4));
        for (var valueBits = 2; valueBits <= 21; valueBits++)
        {
            for (var clients = 4; clients <= 1024; clients++)
            {
                var layout = new SlotLayout(valueBits, clients);
                var largest = (BigInteger)clients * ((1L << valueBits) - 1);
                Assert.True(largest < BigInteger.One << layout.SlotBits);
                Assert.True((BigInteger.One << layout.MessageBits) * ((clients * GaussianNoise.Largest) + 1) < Ring.Modulus / 2);
            }
        }
    }

    [Fact]
    public void A_value_out_of_its_range_is_refused_and_nothing_is_left_in_the_ciphertext()
    {
        var layout = new SlotLayout(16, 4);
        foreach (var (value, place) in new[] { (32768, 0), (-32769, 63), (int.MaxValue, 9 * 8192), (int.MinValue, 99_999) })
        {
            var values = new int[100_000];
            values[place] = value;
            var ciphertext = new byte[KeyAdditiveEncryption.SizeBytes(layout, values.Length)];
            using var encryption = new KeyAdditiveEncryption(layout, Public, Secret(1));
            Assert.Throws<ArgumentOutOfRangeException>(() => encryption.Encrypt(values, ciphertext, 1));
            Assert.False(ciphertext.AsSpan().ContainsAnyExcept((byte)0));
        }
    }

    [Fact]
    public void A_ciphertext_is_the_same_bytes_at_every_width_and_number_of_workers_and_a_function_of_its_secret()
    {
        var layout = new SlotLayout(16, 4);
        var values = Values(16, 100_000, new TestRandom(8));
        var ciphertexts = RingArithmeticTests.Widths.Select((width, i) => Encrypt(width, 1 + i, Secret(1))).ToArray();
        Assert.All(ciphertexts, one => Assert.True(one.AsSpan().SequenceEqual(ciphertexts[0])));
        Assert.False(Encrypt(LaneWidth.One, 1, Secret(2)).AsSpan().SequenceEqual(ciphertexts[0]));

        byte[] Encrypt(LaneWidth width, int workers, byte[] secret)
        {
            using var encryption = new KeyAdditiveEncryption(layout, Public, secret, RingArithmetic.Supported(width));
            var ciphertext = new byte[KeyAdditiveEncryption.SizeBytes(layout, values.Length)];
            encryption.Encrypt(values, ciphertext, workers);
            return ciphertext;
        }
    }

    [Fact]
    public void A_malformed_ciphertext_is_refused_and_the_sum_stays_as_it_was()
    {
        var layout = new SlotLayout(16, 4);
        var sum = new CiphertextSum(2);
        var values = Values(16, 2 * layout.ValuesPerElement, new TestRandom(3));
        using var encryption = new KeyAdditiveEncryption(layout, Public, Secret(1));
        var honest = new byte[sum.SizeBytes];
        encryption.Encrypt(values, honest, 1);
        Assert.True(sum.TryAdd(honest));

        // A residue of p (the smallest that is out of range) in the last plane, and other lengths.
        var forged = honest.ToArray();
        var group = forged.AsSpan(forged.Length - 200);
        var p = Ring.Moduli[3].Value;
        BitConverter.TryWriteBytes(group, (uint)p);
        BitConverter.TryWriteBytes(group[128..], (ushort)(p >> 32));
        group[192] = (byte)((group[192] & 0xFC) | (byte)(p >> 48));
        Assert.False(sum.TryAdd(forged));
        Assert.False(sum.TryAdd(forged, workers: 2));
        BitConverter.TryWriteBytes(group, (uint)(p - 1));
        Assert.True(new CiphertextSum(2).TryAdd(forged));
        Assert.False(sum.TryAdd(honest.AsMemory(1)));
        Assert.False(sum.TryAdd(new byte[honest.Length + 200]));
        Assert.Equal(values, new SumDecryption(layout, 1).Decrypt(sum, encryption.Key, Public, values.Length, 1)!);
    }

    [Fact]
    public void Any_other_key_opens_nothing()
    {
        var layout = new SlotLayout(16, 4);
        var sum = new CiphertextSum(1);
        using var encryption = new KeyAdditiveEncryption(layout, Public, Secret(1));
        var ciphertext = new byte[sum.SizeBytes];
        encryption.Encrypt(new int[8], ciphertext, 1);
        Assert.True(sum.TryAdd(ciphertext));
        var other = encryption.Key.ToArray();
        other[17]++;
        Assert.Null(new SumDecryption(layout, 1).Decrypt(sum, other, Public, 8, 1));
        Assert.Null(new SumDecryption(layout, 1).Decrypt(sum, encryption.Key, [.. Public.Reverse()], 8, 1));
        Assert.NotNull(new SumDecryption(layout, 1).Decrypt(sum, encryption.Key, Public, 8, 1));
    }

    [Fact]
    public void What_is_written_is_read_back_and_random_bytes_never_throw()
    {
        var random = new TestRandom(6);
        var encoded = new byte[ResidueFormat.PlaneSizeBytes];
        var read = new double[Ring.Degree];
        foreach (var modulus in Ring.Moduli)
        {
            var plane = RingArithmeticTests.RandomPlane(modulus, random);
            (plane[0], plane[1], plane[33]) = (0, -1, (modulus.Modulus - 1) / 2);
            ResidueFormat.Write(plane, modulus, encoded);
            Assert.True(ResidueFormat.TryRead(encoded, modulus, read));
            Assert.Equal(plane, read);
        }

        var element = new byte[ResidueFormat.ElementSizeBytes];
        for (var i = 0; i < 20; i++)
        {
            random.Fill(element);
            if (RingElement.TryRead(element) is { } accepted)
            {
                Assert.Equal(element, accepted.ToBytes());
            }

            Assert.Null(RingElement.TryRead(element.AsSpan(0, random.Below(element.Length))));
        }
    }

    [Fact]
    public void A_changed_encoding_is_refused_exactly_where_a_residue_left_its_range() => Changed(2_000);

    [Fact, Trait(TestLength.Name, TestLength.Ci)]
    public void A_hundred_thousand_changed_encodings_are_refused_exactly_where_a_residue_left_its_range() => Changed(100_000);

    [Fact, Trait(TestLength.Name, TestLength.Long)]
    public void A_million_changed_encodings_are_refused_exactly_where_a_residue_left_its_range() => Changed(1_000_000);

    [Fact]
    public void Words_beyond_the_modulus_are_drawn_again_into_a_uniform_residue()
    {
        using var stream = new KeystreamWords(new byte[16]);
        var modulus = Ring.Moduli[3];
        var plane = new double[Ring.Degree];
        var words = System.Runtime.InteropServices.MemoryMarshal.Cast<double, ulong>(plane.AsSpan());
        stream.Fill(words, region: 1);
        words[5] = ulong.MaxValue;
        words[6] = modulus.Value;
        words[8191] = modulus.Value - 1;
        var (first, second) = (words[5], words[6]);
        UniformPolynomial.Decide(plane, modulus, stream, region: 1);
        Assert.True(first > second);
        Assert.Equal(stream.DrawAgain(1, 5) & ((1UL << 50) - 1), (ulong)plane[5]);
        Assert.Equal(stream.DrawAgain(1, 6) & ((1UL << 50) - 1), (ulong)plane[6]);
        Assert.Equal(modulus.Value - 1, (ulong)plane[8191]);
        Assert.All(plane, residue => Assert.InRange(residue, 0, modulus.Modulus - 1));
    }

    // Three bytes changed at a time, half of them to all ones at a residue's top, where the range ends; judged beside a reader that goes bit by bit.
    private static void Changed(int count)
    {
        var (random, refused) = (new TestRandom(12), 0);
        var modulus = Ring.Moduli[1];
        var honest = new byte[ResidueFormat.PlaneSizeBytes];
        ResidueFormat.Write(RingArithmeticTests.RandomPlane(modulus, random), modulus, honest);
        var (changed, sums) = (honest.ToArray(), new ulong[Ring.Degree]);
        for (var i = 0; i < count; i++)
        {
            var group = 200 * random.Below(honest.Length / 200);
            var residue = random.Below(32);
            var top = changed.AsSpan(group + 192 + (residue % 8), 1);
            top[0] |= (byte)(random.Below(4) << (2 * (residue / 8)));
            changed.AsSpan(group + 128 + (2 * residue), 2).Fill(random.Below(2) == 0 ? (byte)0xFF : (byte)random.Below(256));
            changed.AsSpan(group + (4 * residue) + 2, 2).Fill(random.Below(2) == 0 ? (byte)0xFF : (byte)random.Below(256));
            sums.AsSpan().Clear();
            var accepted = ResidueFormat.TryAdd(sums, changed, modulus);
            var expected = Enumerable.Range(0, 32).All(k => Slow(changed.AsSpan(group, 200), k) < modulus.Value);
            Assert.Equal(expected, accepted);
            Assert.Equal(accepted ? Slow(changed.AsSpan(group, 200), residue) : 0, sums[(group / 200 * 32) + residue]);
            refused += accepted ? 0 : 1;
            honest.AsSpan(group, 200).CopyTo(changed.AsSpan(group));
        }

        Assert.InRange(refused, 1, count - 1);
        static ulong Slow(ReadOnlySpan<byte> group, int k) =>
            BitConverter.ToUInt32(group[(4 * k)..]) | ((ulong)BitConverter.ToUInt16(group[(128 + (2 * k))..]) << 32) | ((ulong)((group[192 + (k % 8)] >> (2 * (k / 8))) & 3) << 48);
    }

    private static int[]? Open(SlotLayout layout, int survivors, RingElement coefficients)
    {
        // A ciphertext under the zero key.
        using var encrypted = new RingElement();
        for (var prime = 0; prime < Ring.Primes; prime++)
        {
            coefficients[prime].CopyTo(encrypted[prime]);
            RingArithmetic.Fastest.Transform(encrypted[prime], Ring.Moduli[prime]);
        }

        var sum = new CiphertextSum(1);
        Assert.True(sum.TryAdd(encrypted.ToBytes()));
        return new SumDecryption(layout, survivors).Decrypt(sum, new long[Ring.Degree], Public, layout.ValuesPerElement, 1);
    }

    private static int[] Values(int bits, int length, TestRandom random) => [.. Enumerable.Range(0, length).Select(_ => random.Below(1 << bits) - (1 << (bits - 1)))];

    private static byte[] Secret(int client) => SHA256.HashData([(byte)client]);
}
