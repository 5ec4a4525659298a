using System.Security.Cryptography;
using FederatedDpLlm.Benchmarks.Aggregation;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.SecureAggregation.Tests.Timing;

/// <summary>The test of the timing test: what `./bench.sh timing-leak` says is worth something only if it flags what leaks and nothing else.</summary>
public sealed class FixedVersusRandomTests
{
    private const int Measurements = 20_000;

    [Fact]
    public void A_comparison_that_stops_at_the_first_difference_is_flagged()
    {
        var (left, right) = (new byte[4096], new byte[4096]);
        Assert.True(LargestT(right, () => [1, .. new byte[4095]], () => left.AsSpan().SequenceEqual(right)) > 5 * FixedVersusRandom.Threshold);
    }

    [Fact]
    public void A_branch_on_a_secret_bit_is_flagged()
    {
        byte[] secret = [0];
        var sum = 0.0;
        Assert.True(LargestT(secret, () => [1], () =>
        {
            if (secret[0] == 1)
            {
                for (var i = 1; i < 200; i++)
                {
                    sum += 1.0 / i;
                }
            }
        }) > 5 * FixedVersusRandom.Threshold);
        Assert.True(sum > 0);
    }

    [Fact]
    public void A_comparison_in_constant_time_is_not_flagged()
    {
        // False alarm: below 2e-6 a run, see the threshold; the classes' random order makes that so on a busy machine too.
        var (left, right) = (new byte[4096], new byte[4096]);
        Assert.InRange(LargestT(right, () => [1, .. new byte[4095]], () => CryptographicOperations.FixedTimeEquals(left, right)), 0, FixedVersusRandom.Threshold);
    }

    [Fact]
    public void The_calls_see_the_fixed_secret_about_half_of_the_time_and_random_ones_otherwise()
    {
        // 24,000 calls, of which the warm-up repeats 4,000 choices: a deviation of 89, and eight of them are 720.
        byte[] secret = [7, 7, 7, 7, 7];
        var (fixedCalls, randomCalls) = (0, 0);
        LargestT(secret, () => [9, 8, 7, 6, 5], () =>
        {
            fixedCalls += secret.AsSpan().SequenceEqual((byte[])[7, 7, 7, 7, 7]) ? 1 : 0;
            randomCalls += secret.AsSpan().SequenceEqual((byte[])[9, 8, 7, 6, 5]) ? 1 : 0;
        });
        Assert.Equal(Measurements + 4000, fixedCalls + randomCalls);
        Assert.InRange(fixedCalls, ((Measurements + 4000) / 2) - 720, ((Measurements + 4000) / 2) + 720);
    }

    private static double LargestT(byte[] secret, Func<byte[]> draw, Action call)
    {
        using var random = new SecureRandom();
        return new FixedVersusRandom(random, Measurements).LargestT(secret, draw, call);
    }
}
