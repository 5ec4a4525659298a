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
        Assert.Equal(1, new TokenSampler(random).Sample(Logits, SamplingOptions.Greedy));
        Assert.Equal(0, TokenSampler.Largest([2f, 2f]));
    }

    // A chi-square of 3 degrees of freedom exceeds 30.7 with probability 1e-6.
    [Theory, InlineData(1.0), InlineData(0.5)]
    public void Tokens_come_with_the_probabilities_of_the_softmax(double temperature)
    {
        const int Draws = 20_000;
        using var random = new SecureRandom();
        var counts = Draw(new TokenSampler(random), new SamplingOptions(temperature), Draws);
        var weights = Logits.Select(logit => Math.Exp(logit / temperature)).ToArray();
        var chiSquare = weights.Select((weight, token) => (Expected: Draws * weight / weights.Sum(), Seen: counts[token]))
            .Sum(pair => Math.Pow(pair.Seen - pair.Expected, 2) / pair.Expected);
        Assert.InRange(chiSquare, 0, 30.7);
    }

    [Fact]
    public void Top_p_never_takes_what_lies_outside_the_nucleus()
    {
        using var random = new SecureRandom();

        // Probabilities 0.64, 0.24, 0.09, 0.01 in order: 0.8 is reached with the second.
        var counts = Draw(new TokenSampler(random), new SamplingOptions(1, 0.8), 2000);
        Assert.Equal((0, 0), (counts[0], counts[3]));
        Assert.True(counts[1] > counts[2] && counts[2] > 0);
    }

    [Theory, InlineData(-1, 1), InlineData(double.NaN, 1), InlineData(1, 0), InlineData(1, 1.5)]
    public void Impossible_options_are_refused(double temperature, double topP)
    {
        using var random = new SecureRandom();
        Assert.Throws<ArgumentOutOfRangeException>(() => new TokenSampler(random).Sample(Logits, new SamplingOptions(temperature, topP)));
    }

    private static int[] Draw(TokenSampler sampler, SamplingOptions options, int draws)
    {
        var counts = new int[Logits.Length];
        for (var i = 0; i < draws; i++)
        {
            counts[sampler.Sample(Logits, options)]++;
        }

        return counts;
    }
}
