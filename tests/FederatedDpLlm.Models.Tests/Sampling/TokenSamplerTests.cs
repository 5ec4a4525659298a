using CsCheck;
using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Models.Tests.Sampling;

public sealed class TokenSamplerTests
{
    private static readonly float[] Logits = [1f, 3f, 2f, -1f];

    [Fact]
    public void Greedy_takes_the_largest_and_the_first_of_equals()
    {
        using var random = new SecureRandom();
        Assert.Equal(1, new TokenSampler(random).Sample(Logits, 0));
        Assert.Equal(0, TokenSampler.Largest([2f, 2f]));
    }

    [Fact]
    public void The_largest_is_that_of_looking_at_one_after_the_other() => Gen.Int[-9, 9].Array[1, 70].Sample(grid =>
        TokenSampler.Largest([.. grid.Select(value => value < -7 ? float.NegativeInfinity : value / 4f)]) == grid.Select(value => Math.Max(value, -8)).ToList().IndexOf(Math.Max(grid.Max(), -8)));

    // A chi-square of 3 degrees of freedom exceeds 30.7 with probability 1e-6.
    [Theory, InlineData(1.0), InlineData(0.5)]
    public void Tokens_come_with_the_probabilities_of_the_softmax(double temperature)
    {
        const int Draws = 20_000;
        using var random = new SecureRandom();
        var counts = Draw(new TokenSampler(random), temperature, Draws);
        var weights = Logits.Select(logit => Math.Exp(logit / temperature)).ToArray();
        var chiSquare = weights.Select((weight, token) => (Expected: Draws * weight / weights.Sum(), Seen: counts[token]))
            .Sum(pair => Math.Pow(pair.Seen - pair.Expected, 2) / pair.Expected);
        Assert.InRange(chiSquare, 0, 30.7);
    }

    [Fact]
    public void What_was_cut_is_never_taken()
    {
        using var random = new SecureRandom();
        var shaped = new TokenShaping(new SamplingParameters { TopP = 0.8 }).Shape([0, 1, 2, 3], Logits);

        // Probabilities 0.64, 0.24, 0.09, 0.01 in order: 0.8 is reached with the second.
        var sampler = new TokenSampler(random);
        Assert.All(Enumerable.Range(0, 2000).Select(_ => sampler.Sample(shaped, 1)), token => Assert.InRange(token, 1, 2));
    }

    [Fact]
    public void A_seeded_source_gives_the_same_tokens_again()
    {
        int[] Tokens(byte seed)
        {
            using var random = new AesCounterRandom([.. Enumerable.Repeat(seed, 32)]);
            var sampler = new TokenSampler(random);
            return [.. Enumerable.Range(0, 100).Select(_ => sampler.Sample(Logits, 1))];
        }

        Assert.Equal(Tokens(1), Tokens(1));
        Assert.NotEqual(Tokens(1), Tokens(2));
    }

    [Theory, InlineData(-1), InlineData(double.NaN)]
    public void An_impossible_temperature_is_refused(double temperature)
    {
        using var random = new SecureRandom();
        Assert.Throws<ArgumentOutOfRangeException>(() => new TokenSampler(random).Sample(Logits, temperature));
    }

    private static int[] Draw(TokenSampler sampler, double temperature, int draws)
    {
        var counts = new int[Logits.Length];
        for (var i = 0; i < draws; i++)
        {
            counts[sampler.Sample(Logits, temperature)]++;
        }

        return counts;
    }
}
