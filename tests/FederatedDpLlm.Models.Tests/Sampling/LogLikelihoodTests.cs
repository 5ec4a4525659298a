using CsCheck;

namespace FederatedDpLlm.Models.Tests.Sampling;

public sealed class LogLikelihoodTests
{
    [Fact]
    public void It_is_the_library_s_within_some_units_of_the_last_place() => Gen.Select(Gen.Float[-300, 300].Array[1, 200], Gen.Float[0.001f, 3]).Sample((values, width) =>
    {
        float[] logits = [.. values.Select((value, i) => i % 7 == 3 ? float.NegativeInfinity : value * width)];
        logits[0] = values[0];
        var max = (double)logits.Max();
        for (var token = 0; token < logits.Length; token++)
        {
            var expected = logits[token] - max - Math.Log(logits.Sum(logit => Math.Exp(logit - max)));
            var actual = LogLikelihood.Of(logits, token);
            Assert.True(actual.Equals(expected) || Math.Abs(actual - expected) <= 1e-13 * Math.Max(1, Math.Abs(expected)), $"{actual} is not {expected}");
        }
    });

    [Fact]
    public void Equal_logits_share_the_probability()
    {
        Assert.Equal(-Math.Log(49_152), LogLikelihood.Of(Enumerable.Repeat(1e30f, 49_152).ToArray(), 7), 1e-13);
        Assert.Equal(0, LogLikelihood.Of([5f], 0));
        Assert.Equal(double.NegativeInfinity, LogLikelihood.Of([5f, float.NegativeInfinity], 1));
        Assert.True(double.IsNaN(LogLikelihood.Of([5f, float.NaN], 0)));
    }
}
