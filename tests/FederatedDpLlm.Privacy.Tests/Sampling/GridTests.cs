using System.Runtime.CompilerServices;
using CsCheck;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Sampling;

/// <summary>The public grids of the samplers and of logits, to the last step, and what is left in memory.</summary>
public sealed class GridTests
{
    // 20 bits after the point while they fit 32 bits together with those before it.
    [Fact]
    public void A_Laplace_scale_is_the_next_on_its_grid() => Gen.Double[-25, 31.9].Sample(exponent =>
    {
        var asked = Math.Pow(2, exponent);
        var step = Math.ScaleB(1, -Math.Min(20, 31 - Math.ILogB(asked)));
        var scale = DiscreteLaplaceSampler.AtLeast(asked).Scale;
        Assert.InRange(scale - asked, 0, step * (1 - 1e-12));
        Assert.Equal(Math.Round(scale / step), scale / step);
    });

    [Fact]
    public void Scales_on_the_grid_are_kept_and_those_beyond_it_refused()
    {
        Assert.Equal((1.0, 0.5, 1000.0, uint.MaxValue), (DiscreteLaplaceSampler.AtLeast(1).Scale, DiscreteLaplaceSampler.AtLeast(0.5).Scale, DiscreteLaplaceSampler.AtLeast(1000).Scale, DiscreteLaplaceSampler.AtLeast(uint.MaxValue).Scale));
        Assert.Equal(2.25, new DiscreteLaplaceSampler(9, 4).Scale);
        Assert.Equal(Math.ScaleB(1, -20), DiscreteLaplaceSampler.AtLeast(double.Epsilon).Scale);
        Assert.Throws<ArgumentOutOfRangeException>(() => DiscreteLaplaceSampler.AtLeast((double)uint.MaxValue + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => DiscreteGaussianSampler.AtLeast(Math.BitIncrement(DiscreteGaussianSampler.LargestSigma)));
        Assert.Throws<ArgumentOutOfRangeException>(() => BatchGaussianSampler.AtLeast(Math.BitIncrement(BatchGaussianSampler.LargestSigma)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AesCounterRandom(new byte[31]));
        Assert.Equal(1 << 30, DiscreteGaussianSampler.AtLeast(1 << 30).Sigma, 1.0);
        Assert.Equal(Math.Sqrt(DiscreteGaussianSampler.AtLeast(2.5).Variance), DiscreteGaussianSampler.AtLeast(2.5).Sigma);
    }

    // The rule without vectors: steps of 2^-24, to nearest even, then the clip; every length, so that every lane and every rest is met.
    [Fact]
    public void Clipped_logits_are_added_on_the_grid_at_every_length() => Gen.Select(Gen.Float[-3, 3].Array[0, 13], Gen.Int[1, 1 << 25]).Sample((voter, clip) =>
    {
        var limit = (int)(float)clip;
        var reference = voter.Select((_, i) => (i * 0.37f) - 1).ToArray();
        var sum = voter.Select((_, i) => 1000L * i).ToArray();
        LogitGrid.AddClipped(voter, reference, sum, limit);
        Assert.Equal(voter.Select((logit, i) => (1000L * i) + (long)Math.Clamp(Math.Round((double)(logit - reference[i]) * (1 << 24)), -limit, limit)), sum);
    });

    [Fact]
    public void A_missing_logit_is_the_lowest_wherever_it_stands()
    {
        for (var length = 1; length <= 9; length++)
        {
            for (var at = 0; at < length; at++)
            {
                var (voter, sum) = (new float[length], new long[length]);
                voter[at] = float.NaN;
                LogitGrid.AddClipped(voter, new float[length], sum, 77);
                Assert.Equal(Enumerable.Range(0, length).Select(i => i == at ? -77L : 0), sum);
            }
        }
    }

    [Fact]
    public void Bytes_that_were_handed_out_are_nowhere_in_the_buffer()
    {
        var random = new SecureRandom();
        var given = new byte[1000];
        random.Fill(given);
        var buffer = Buffer(random);
        Assert.All(buffer.AsSpan(0, 1000).ToArray(), value => Assert.Equal(0, value));
        Assert.Contains(buffer.AsSpan(1000, 1000).ToArray(), value => value != 0);

        // Large calls go to the system at once and leave the buffer alone.
        var rest = buffer.AsSpan(1000).ToArray();
        random.Fill(new byte[(16 * 1024) + 1]);
        Assert.Equal(rest, buffer.AsSpan(1000).ToArray());
        random.Fill(new byte[16 * 1024]);
        Assert.All(buffer.AsSpan(1000, 16 * 1024).ToArray(), value => Assert.Equal(0, value));
        random.Dispose();
        Assert.All(buffer, value => Assert.Equal(0, value));

        // After that it would start anew, never hand out zeros.
        random.Fill(given);
        Assert.Contains(given, value => value != 0);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_buffer")]
    private static extern ref byte[] Buffer(SecureRandom random);
}
