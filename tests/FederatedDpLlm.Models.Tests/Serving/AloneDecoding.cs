using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Models.Serving;
using FederatedDpLlm.Models.Tests.Training;

namespace FederatedDpLlm.Models.Tests.Serving;

/// <summary>The slow and obvious way to answer: one context, one token after the other, nobody else around.</summary>
internal static class AloneDecoding
{
    public static List<StreamToken> Answer(LanguageModel model, IReadOnlyList<int> prompt, int maxTokens, SamplingParameters sampling, byte seed, ModelAdapter? adapter = null)
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var batch = model.OpenBatch([prompt], adapter, cancellation);
        var (shaping, sampler, tokens) = (new TokenShaping(sampling), new TokenSampler(new SeededRandom(seed)), new List<StreamToken>());
        int[] vocabulary = [.. Enumerable.Range(0, model.Configuration.Vocabulary)];
        while (true)
        {
            var token = sampler.Sample(shaping.Shape(vocabulary, batch.Logits(0)), sampling.Temperature);
            if (model.Template.EndTokens.Contains(token))
            {
                return tokens;
            }

            shaping.Release(token);
            tokens.Add(new StreamToken(token, LogLikelihood.Of(batch.Logits(0), token), false));
            if (tokens.Count == maxTokens)
            {
                return tokens;
            }

            batch.Append(token, cancellation);
        }
    }
}
