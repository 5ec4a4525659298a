using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Sampling;

public sealed class RandomSourceTests
{
    // 16 bytes never come twice (a chance of 2^-96 for these), whatever the sizes of the calls and across refills of the buffer.
    [Theory, InlineData(16), InlineData(48), InlineData(16_384), InlineData(16_400), InlineData(100_000)]
    public void The_system_source_never_gives_the_same_bytes_twice(int size)
    {
        using var random = new SecureRandom();
        var seen = new HashSet<UInt128>();
        var block = new byte[size];
        for (var call = 0; call < Math.Max(8, 200_000 / size); call++)
        {
            block.AsSpan().Clear();
            random.Fill(block);
            for (var at = 0; at + 16 <= size; at += 16)
            {
                Assert.True(seen.Add(System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(block.AsSpan(at))));
            }
        }
    }

    // Chi-squared at a false-alarm rate of 2e-8 each.
    [Fact]
    public void Bytes_of_both_sources_are_uniform()
    {
        using var system = new SecureRandom();
        using var keyed = new AesCounterRandom(new byte[32]);
        foreach (ISecureRandom source in (ISecureRandom[])[system, keyed])
        {
            var counts = new long[256];
            var bytes = new byte[300];
            for (var call = 0; call < 2000; call++)
            {
                source.Fill(bytes);
                Array.ForEach(bytes, value => counts[value]++);
            }

            ChiSquared.AssertFits(counts, [.. Enumerable.Repeat(1 / 256.0, 256)]);
        }
    }

    [Fact]
    public async Task The_system_source_serves_many_at_once()
    {
        using var random = new SecureRandom();
        var drawn = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Enumerable.Range(0, 5000).Select(_ => Next(random)).ToArray())));
        Assert.Equal(40_000, drawn.SelectMany(values => values).Distinct().Count());

        static UInt128 Next(ISecureRandom random)
        {
            Span<byte> bytes = stackalloc byte[16];
            random.Fill(bytes);
            return System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(bytes);
        }
    }

    [Fact]
    public void Words_below_a_bound_are_uniform_and_wiped_as_they_are_handed_out()
    {
        var buffer = new ulong[4];
        var words = new RandomWords(new FixedWords(5, 6, 7, 8), buffer);
        Assert.Equal(5UL, words.Next());
        Assert.Equal(6UL, words.Next());
        Assert.Equal([0, 0, 7, 8], buffer);
        words.Wipe();
        Assert.Equal([0, 0, 0, 0], buffer);

        // Top bits, by rejection: of 3 bits, 5 and above are drawn again.
        words = new RandomWords(new FixedWords(7UL << 61, 5UL << 61, 4UL << 61), buffer);
        Assert.Equal(4UL, words.Below(5));
        words = new RandomWords(new FixedWords(1UL << 63, 1), buffer);
        Assert.Equal(0UL, words.Below(1));
        words = new RandomWords(new FixedWords(1UL << 63, 9), buffer);
        Assert.Equal(new UInt128(1UL << 63, 9), words.Below(UInt128.MaxValue));

        // Beyond 64 bits: 2^64 + 1 needs 65, the top ones of 128; 2^64 is in, 2^64 + 1 is not.
        words = new RandomWords(new FixedWords(1UL << 63, 1UL << 63, 1UL << 63, 0), buffer);
        Assert.Equal(UInt128.One << 64, words.Below((UInt128.One << 64) + 1));
        Assert.Equal(7UL, (ulong)new RandomWords(new FixedWords(7UL << 60), buffer).Below((UInt128)9));
    }
}
