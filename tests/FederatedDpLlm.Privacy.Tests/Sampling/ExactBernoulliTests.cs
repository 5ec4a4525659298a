using System.Numerics;
using CsCheck;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Sampling;

public sealed class ExactBernoulliTests
{
    private static bool Flip(ulong numerator, ulong denominator, ISecureRandom random)
    {
        var words = new RandomWords(random, stackalloc ulong[16]);
        return ExactBernoulli.ExpMinus(numerator, denominator, ref words);
    }

    // Two-sided at 5.5 standard deviations each: false-alarm rate below 1e-6 over all rows; seeded.
    [Theory, InlineData(1, 1), InlineData(1, 3), InlineData(7, 2), InlineData(1, 1_000_000), InlineData(20, 3)]
    public void A_coin_falls_as_often_as_the_exponential_and_as_the_reference(ulong numerator, ulong denominator)
    {
        const int Flips = 200_000;
        var probability = Math.Exp(-(double)numerator / denominator);
        var spread = Math.Sqrt(Flips * probability * (1 - probability)) + 1;
        var (random, reference) = (new SeededRandom(numerator), new SeededRandom(denominator));
        var heads = Enumerable.Range(0, Flips).Count(_ => Flip(numerator, denominator, random));
        var referenceHeads = Enumerable.Range(0, Flips / 10).Count(_ => ReferenceBernoulli.ExpMinus(numerator, denominator, reference));
        Assert.InRange(heads, (probability * Flips) - (5.5 * spread), (probability * Flips) + (5.5 * spread));
        Assert.InRange(referenceHeads * 10.0, (probability * Flips) - (18 * spread), (probability * Flips) + (18 * spread));
    }

    [Fact]
    public void The_interval_holds_the_exponential() =>
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[1, 1_000_000], Gen.Int[64, 256]).Sample((numerator, denominator, bits) =>
        {
            // The same number with twice the bits must fall inside.
            var low = ExactBernoulli.ExpMinusFloor(numerator, denominator, bits);
            var finer = ExactBernoulli.ExpMinusFloor(numerator, denominator, 2 * bits);
            Assert.True((low << bits) <= finer + 2 && finer <= ((low + 2) << bits));
            if (numerator < denominator)
            {
                var relative = ((double)low / Math.Pow(2, bits) / Math.Exp(-(double)numerator / denominator)) - 1;
                Assert.InRange(relative, -1e-15, 1e-15);
            }
        }, iter: 2000);

    // The 64 bits next to the threshold cannot be decided by the approximation: the following bits must decide, and as the exact value says.
    [Theory, InlineData(1, 1), InlineData(5, 7), InlineData(39, 2)]
    public void Where_the_approximation_is_in_doubt_further_bits_decide(ulong numerator, ulong denominator)
    {
        var threshold = ExactBernoulli.ExpMinusFloor(numerator, denominator, 128);
        var (high, low) = ((ulong)(threshold >> 64), (ulong)(threshold & ulong.MaxValue));
        Assert.True(Flip(numerator, denominator, new FixedWords(high, low - 4, 0)));
        Assert.False(Flip(numerator, denominator, new FixedWords(high, low + 4, 0)));
        Assert.True(Flip(numerator, denominator, new FixedWords(high - 1)));
        Assert.False(Flip(numerator, denominator, new FixedWords(high + 1)));
    }

    [Fact]
    public void Certain_and_hopeless_coins_are_what_they_are()
    {
        Assert.True(Flip(0, 5, new FixedWords(ulong.MaxValue)));
        Assert.False(Flip(1000, 1, new FixedWords(1)));
        Assert.False(Flip(ulong.MaxValue, 1, new FixedWords(0, 1)));
        Assert.True(Flip(41, 1, new FixedWords(0)));
        Assert.True(Flip(1, ulong.MaxValue, new FixedWords(ulong.MaxValue - 2)));
    }
}
