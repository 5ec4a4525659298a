using FederatedDpLlm.SecureAggregation.Masking;

namespace FederatedDpLlm.SecureAggregation.Tests.Masking;

public sealed class MaskSetTests
{
    [Theory, InlineData(1, 10, 4), InlineData(1, 10, 2), InlineData(8192, 16, 3), InlineData(8193, 18, 3), InlineData(20_001, 21, 4), InlineData(20_001, 9, 2)]
    public void Every_mask_is_laid_over_the_whole_vector_once_whatever_the_number_of_workers(int length, int valueBits, int sizeBytes)
    {
        var random = new TestRandom(length);
        var format = new LaneFormat(sizeBytes);
        var values = Enumerable.Range(0, length).Select(_ => random.Below(1 << valueBits) - (1 << (valueBits - 1))).ToArray();
        (byte[] Key, bool Subtract)[] keys = [([.. Enumerable.Repeat((byte)1, 16)], false), ([.. Enumerable.Repeat((byte)2, 16)], true), ([.. Enumerable.Repeat((byte)3, 16)], false)];

        // Slow and obvious: each lane for itself, its part of the keystream read by itself.
        var expected = values.Select(value => (uint)value).ToArray();
        foreach (var (key, subtract) in keys)
        {
            using var alone = new MaskSet();
            alone.Add(key, subtract: false);
            var lanes = new uint[length];
            alone.ApplyTo(lanes, 1);
            for (var i = 0; i < length; i++)
            {
                expected[i] = subtract ? expected[i] - lanes[i] : expected[i] + lanes[i];
            }
        }

        foreach (var workers in new[] { 0, 1, 2, 3, 7 })
        {
            using var masks = new MaskSet();
            Array.ForEach(keys, mask => masks.Add(mask.Key, mask.Subtract));
            var packed = new byte[length * sizeBytes];
            masks.Seal(values, valueBits, format, packed, workers);
            var sealedLanes = new uint[length];
            format.AddTo(sealedLanes, packed);
            Assert.Equal(expected.Select(format.Signed), sealedLanes.Select(format.Signed));
            var lanes = values.Select(value => (uint)value).ToArray();
            masks.ApplyTo(lanes, workers);
            Assert.Equal(expected.Select(format.Signed), lanes.Select(format.Signed));
        }
    }

    [Theory, InlineData(1, 2), InlineData(16, 2), InlineData(17, 3), InlineData(24, 3), InlineData(25, 4), InlineData(32, 4)]
    public void A_lane_has_the_fewest_bytes_that_hold_the_sum(int sumBits, int sizeBytes) => Assert.Equal(new LaneFormat(sizeBytes), LaneFormat.For(sumBits));

    [Theory, InlineData(2), InlineData(3), InlineData(4)]
    public void Packed_bytes_are_the_low_bytes_of_the_lanes_little_endian(int sizeBytes)
    {
        foreach (var length in Enumerable.Range(1, 40))
        {
            var lanes = Enumerable.Range(1, length).Select(i => (uint)i * 2654435761u).ToArray();
            var packed = new byte[length * sizeBytes];
            new LaneFormat(sizeBytes).Pack(lanes, packed);
            Assert.Equal(lanes.SelectMany(lane => BitConverter.GetBytes(lane).Take(sizeBytes)), packed);
            Assert.Throws<ArgumentOutOfRangeException>(() => new LaneFormat(sizeBytes).Pack(lanes, new byte[packed.Length + 1]));
            Assert.Throws<ArgumentOutOfRangeException>(() => new LaneFormat(sizeBytes).AddTo(lanes, new byte[packed.Length - 1]));
        }
    }

    [Fact]
    public void A_keystream_key_has_sixteen_bytes()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new CounterKeystream(new byte[15]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CounterKeystream(new byte[32], portable: true));
    }
}
