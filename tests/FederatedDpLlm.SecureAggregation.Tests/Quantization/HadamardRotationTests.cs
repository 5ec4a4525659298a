using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Quantization;

namespace FederatedDpLlm.SecureAggregation.Tests.Quantization;

public sealed class HadamardRotationTests
{
    private static readonly byte[] Seed = SHA256.HashData([1]);

    [Fact]
    public void Undoing_a_rotation_gives_the_vector_back_at_every_length()
    {
        foreach (var length in Enumerable.Range(1, 70).Concat([127, 1000, 4096, 4097, 5000, 8192, 20_001]))
        {
            var vector = QuantizationTests.Update(length, length, 1);
            var rotated = vector.ToArray();
            var rotation = new HadamardRotation(Seed, length);
            rotation.Apply(rotated);
            Assert.InRange(rotated.Sum(value => (double)value * value), 0.9999, 1.0001);
            rotation.Undo(rotated);
            Assert.All(rotated.Zip(vector), pair => Assert.Equal(pair.Second, pair.First, 1e-5f));
        }
    }

    [Theory, InlineData(1024), InlineData(1500), InlineData(10_000)]
    public void A_spike_is_spread_over_the_whole_vector(int length)
    {
        foreach (var place in new[] { 0, length / 2, length - 1 })
        {
            var vector = new float[length];
            vector[place] = 1;
            new HadamardRotation(Seed, length).Apply(vector);

            // Sub-Gaussian with variance 1 / block: ten deviations bound all coordinates with probability 1 - 2 * 10^4 * e^-50; the seed is fixed besides.
            Assert.True(vector.Max(Math.Abs) < 10 / Math.Sqrt(HadamardRotation.BlockOf(length)));
        }
    }

    [Fact]
    public void A_rotation_is_the_signed_Walsh_Hadamard_matrix()
    {
        // Sylvester's construction: entry (i, j) is (-1)^popcount(i and j). Columns are read off unit vectors; the sign of a column is its first entry's.
        const int Length = 64;
        for (var column = 0; column < Length; column++)
        {
            var unit = new float[Length];
            unit[column] = 1;
            new HadamardRotation(Seed, Length).Apply(unit);
            var sign = Math.Sign(unit[0]);
            for (var row = 0; row < Length; row++)
            {
                Assert.Equal(sign * (System.Numerics.BitOperations.PopCount((uint)(row & column)) % 2 == 0 ? 1 : -1) / 8f, unit[row]);
            }
        }
    }

    [Fact]
    public void Another_seed_is_another_rotation()
    {
        var one = QuantizationTests.Update(100, 1, 1);
        var other = one.ToArray();
        new HadamardRotation(Seed, 100).Apply(one);
        new HadamardRotation(SHA256.HashData([2]), 100).Apply(other);
        Assert.NotEqual(one, other);
    }
}
