using System.Buffers.Binary;
using System.Security.Cryptography;
using CsCheck;
using FederatedDpLlm.SecureAggregation.Masking;

namespace FederatedDpLlm.SecureAggregation.Tests.Masking;

public sealed class MaskingTests
{
    [Fact]
    public void The_keystream_is_AES_in_counter_mode_at_every_length_and_start() =>
        Gen.Select(Gen.Int[0, 300], Gen.Int[0, 1000], Gen.Bool, Gen.Bool).Sample(
            (length, start, subtract, portable) =>
            {
                var key = SHA256.HashData([(byte)length, (byte)start])[..16];
                using var stream = new CounterKeystream(key, 7, portable);
                var lanes = Enumerable.Range(0, length).Select(i => (uint)i * 2654435761u).ToArray();
                var expected = lanes.Select((lane, i) => subtract ? lane - Reference(key, 7, (ulong)start, i) : lane + Reference(key, 7, (ulong)start, i)).ToArray();
                if (subtract)
                {
                    stream.SubtractFrom(lanes, (ulong)start);
                }
                else
                {
                    stream.AddTo(lanes, (ulong)start);
                }

                Assert.Equal(expected, lanes);
            },
            iter: 200);

    [Theory, InlineData(2), InlineData(3), InlineData(4)]
    public void Packed_lanes_add_up_modulo_their_width(int sizeBytes)
    {
        var format = new LaneFormat(sizeBytes);
        var random = new TestRandom(sizeBytes);
        foreach (var length in new[] { 1, 3, 4, 7, 8, 15, 16, 17, 31, 100, 1001 })
        {
            var first = Enumerable.Range(0, length).Select(_ => (uint)random.Below(int.MaxValue) * 3).ToArray();
            var second = Enumerable.Range(0, length).Select(_ => (uint)random.Below(int.MaxValue) * 5).ToArray();
            var packed = new byte[length * sizeBytes];
            format.Pack(second, packed);
            var sum = first.ToArray();
            format.AddTo(sum, packed);
            var mask = sizeBytes == 4 ? uint.MaxValue : (1u << (8 * sizeBytes)) - 1;
            Assert.Equal(first.Zip(second, (a, b) => (a + b) & mask), sum.Select(lane => lane & mask));
        }
    }

    [Theory, InlineData(2, 0xFFFFu, -1), InlineData(2, 0x8000u, -32768), InlineData(3, 0xAA7FFFFFu, 8388607), InlineData(3, 0x800000u, -8388608), InlineData(4, 0xFFFFFFFEu, -2)]
    public void A_lane_is_read_as_a_signed_number(int sizeBytes, uint lane, int value) => Assert.Equal(value, new LaneFormat(sizeBytes).Signed(lane));

    [Theory, InlineData(1), InlineData(2)]
    public void Masks_cancel_whatever_the_number_of_workers(int workers)
    {
        var random = new TestRandom(9);
        var values = Enumerable.Range(0, 50_001).Select(_ => random.Below(65536) - 32768).ToArray();
        var format = LaneFormat.For(18);
        byte[] key = [.. Enumerable.Range(0, 16).Select(i => (byte)i)];
        var lanes = new uint[values.Length];
        foreach (var subtract in new[] { false, true })
        {
            using var masks = new MaskSet();
            masks.Add(key, subtract);
            var packed = new byte[values.Length * format.SizeBytes];
            masks.Seal(values, 16, format, packed, workers);
            format.AddTo(lanes, packed);
        }

        Assert.Equal(values.Select(value => 2 * value), lanes.Select(format.Signed));
    }

    [Theory, InlineData(32768, 0), InlineData(-32769, 0), InlineData(32768, 8200), InlineData(int.MinValue, 17), InlineData(int.MaxValue, 8191)]
    public void A_value_that_does_not_fit_is_refused_and_nothing_is_left_in_the_payload(int value, int place)
    {
        var values = new int[8203];
        values[place] = value;
        var packed = new byte[values.Length * 3];
        using var masks = new MaskSet();
        masks.Add(new byte[16], subtract: false);
        Assert.Throws<ArgumentOutOfRangeException>(() => masks.Seal(values, 16, new LaneFormat(3), packed, 1));
        Assert.All(packed, one => Assert.Equal(0, one));
    }

    [Fact]
    public void A_wiped_keystream_is_of_no_use()
    {
        var stream = new CounterKeystream(new byte[16]);
        stream.Dispose();
        stream.Dispose();
        Assert.Throws<ObjectDisposedException>(() => stream.AddTo(new uint[4], 0));
    }

    private static uint Reference(byte[] key, ulong prefix, ulong start, int lane)
    {
        using var aes = Aes.Create();
        aes.SetKey(key);
        var counter = new byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(counter, prefix);
        BinaryPrimitives.WriteUInt64BigEndian(counter.AsSpan(8), start + (ulong)(lane / 4));
        return BinaryPrimitives.ReadUInt32LittleEndian(aes.EncryptEcb(counter, PaddingMode.None).AsSpan(lane % 4 * 4));
    }
}
