using CsCheck;
using FederatedDpLlm.Models.Sampling;

namespace FederatedDpLlm.Models.Tests.Sampling;

public sealed class TokenShapingTests
{
    private static readonly int[] Candidates = [10, 11, 12, 13];

    // Probabilities 0.4, 0.3, 0.2, 0.1 at temperature 1.
    private static readonly float[] Logits = [.. new[] { 0.4, 0.3, 0.2, 0.1 }.Select(p => (float)Math.Log(p))];

    [Theory]
    [InlineData(0, 1.0, 0.0, 4)]
    [InlineData(2, 1.0, 0.0, 2)]
    [InlineData(0, 0.69, 0.0, 2)]
    [InlineData(0, 0.71, 0.0, 3)]
    [InlineData(0, 0.01, 0.0, 1)]
    [InlineData(0, 1.0, 0.45, 3)]
    [InlineData(0, 1.0, 0.9, 1)]
    [InlineData(3, 0.95, 0.6, 2)]
    public void Cuts_keep_the_likeliest_of_the_public_candidates(int topK, double topP, double minP, int kept)
    {
        var shaped = new TokenShaping(new SamplingParameters { TopK = topK, TopP = topP, MinP = minP }).Shape(Candidates, Logits);
        Assert.Equal(Logits[..kept], shaped[..kept]);
        Assert.All(shaped[kept..], logit => Assert.True(float.IsNegativeInfinity(logit)));
    }

    [Fact]
    public void Cuts_are_those_of_counting_every_candidate_by_itself() =>
        Gen.Select(Gen.Int[-20, 20].Array[1, 40], Gen.Double[0.2, 3], Gen.Double[0.01, 1], Gen.Int[0, 45], Gen.Double[0, 1]).Sample(
            (grid, temperature, topP, topK, minP) =>
            {
                float[] logits = [.. grid.Select(value => value / 4f)];
                var shaped = new TokenShaping(new SamplingParameters { Temperature = temperature, TopP = topP, TopK = topK, MinP = minP }).Shape([.. Enumerable.Range(0, logits.Length)], logits);
                double[] weights = [.. logits.Select(logit => Math.Exp((logit - logits.Max()) / temperature))];
                for (var i = 0; i < logits.Length; i++)
                {
                    var better = Enumerable.Range(0, logits.Length).Where(j => logits[j] > logits[i] || (logits[j] == logits[i] && j < i)).ToList();
                    var (before, wanted) = (better.Sum(j => weights[j]), topP * weights.Sum());
                    var kept = better.Count == 0 || ((topK == 0 || better.Count < topK) && before < wanted && weights[i] >= minP);
                    if (Math.Abs(before - wanted) > 1e-9 && Math.Abs(weights[i] - minP) > 1e-9)
                    {
                        Assert.Equal(kept ? logits[i] : float.NegativeInfinity, shaped[i]);
                    }
                }
            },
            iter: 500);

    [Fact]
    public void Temperature_is_set_before_the_nucleus_is_cut()
    {
        // At temperature 0.5 the probabilities are 16, 9, 4, 1 of 30: the first two hold 0.83.
        var shaped = new TokenShaping(new SamplingParameters { Temperature = 0.5, TopP = 0.8 }).Shape(Candidates, Logits);
        Assert.Equal(2, shaped.Count(float.IsFinite));
    }

    [Fact]
    public void Biases_and_penalties_move_logits_by_released_tokens_only()
    {
        var shaping = new TokenShaping(new SamplingParameters { FrequencyPenalty = 0.5, PresencePenalty = 1, LogitBias = new Dictionary<int, double> { [12] = -3 } });
        Assert.Equal(Logits[0], shaping.Shape(Candidates, Logits)[0]);
        shaping.Release(10);
        shaping.Release(10);
        var shaped = shaping.Shape(Candidates, Logits);
        Assert.Equal(Logits[0] - 2, shaped[0], 1e-6);
        Assert.Equal(Logits[1], shaped[1]);
        Assert.Equal(Logits[2] - 3, shaped[2], 1e-6);
    }

    [Fact]
    public void A_whole_vocabulary_is_shaped_as_its_tokens_one_by_one() =>
        Gen.Select(Gen.Int[-20, 20].Array[1, 70], Gen.Int[0, 80].Array[0, 5], Gen.Int[0, 80], Gen.Int[0, 9]).Sample((grid, released, biased, topK) =>
        {
            float[] logits = [.. grid.Select(value => value == 0 ? float.NaN : value / 4f), 1];
            var biases = new Dictionary<int, double> { [biased] = -3.5, [logits.Length + 1] = 1 };
            var shaping = new TokenShaping(new SamplingParameters { TopK = topK, RepetitionPenalty = 1.5, FrequencyPenalty = 0.5, PresencePenalty = 0.25, LogitBias = biases });
            Array.ForEach(released, shaping.Release);
            var shaped = new float[logits.Length];
            shaping.Shape(logits, shaped);
            Assert.Equal(shaping.Shape([.. Enumerable.Range(0, logits.Length)], logits), shaped);
        });

    [Theory, InlineData(1e300, float.MaxValue), InlineData(-1e300, float.NegativeInfinity)]
    public void A_bias_beyond_all_numbers_decides(double bias, float shaped) =>
        Assert.Equal([shaped, 1f], new TokenShaping(new SamplingParameters { LogitBias = new Dictionary<int, double> { [1] = bias } }).Shape([1, 2], [0f, 1f]));

    [Fact]
    public void A_repetition_penalty_draws_what_came_before_towards_zero_likelihood()
    {
        var shaping = new TokenShaping(new SamplingParameters { RepetitionPenalty = 2 });
        shaping.Release(1);
        shaping.Release(2);
        shaping.Release(2);
        Assert.Equal([2f, -6f, 3f], shaping.Shape([1, 2, 3], [4f, -3f, 3f]));
    }

    [Theory, InlineData(-1.0, 1.0, 0, 0.0, 1.0), InlineData(double.NaN, 1.0, 0, 0.0, 1.0), InlineData(1.0, 0.0, 0, 0.0, 1.0), InlineData(1.0, 1.5, 0, 0.0, 1.0)]
    [InlineData(1.0, 1.0, -1, 0.0, 1.0), InlineData(1.0, 1.0, 0, 1.1, 1.0), InlineData(1.0, 1.0, 0, 0.0, 0.0)]
    public void Parameters_out_of_their_ranges_are_refused(double temperature, double topP, int topK, double minP, double repetition) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new SamplingParameters { Temperature = temperature, TopP = topP, TopK = topK, MinP = minP, RepetitionPenalty = repetition }.Checked());

    [Fact]
    public void What_is_no_number_is_cut_and_nothing_at_all_is_refused()
    {
        var shaping = new TokenShaping(new SamplingParameters());
        Assert.Equal([float.NegativeInfinity, 1f], shaping.Shape([1, 2], [float.NaN, 1f]));
        Assert.Throws<ArgumentException>(() => shaping.Shape([1, 2], [float.NaN, float.PositiveInfinity]));
    }
}
