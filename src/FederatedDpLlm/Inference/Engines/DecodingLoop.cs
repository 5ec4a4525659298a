using System.Runtime.CompilerServices;
using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Inference.Engines;

/// <summary>Plain generation, token by token: the public path.</summary>
internal static class DecodingLoop
{
    /// <param name="batch">Of one context, read.</param>
    /// <param name="promptTokens">How many tokens that context has.</param>
    /// <param name="options">How to sample, and where to stop.</param>
    /// <param name="random">Every token is drawn from it, unless the options say a seed.</param>
    /// <param name="cancellationToken">Ends the answer.</param>
    public static async IAsyncEnumerable<GeneratedText> RunAsync(
        IDecodingBatch batch, int promptTokens, GenerationOptions options, ISecureRandom random, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var shaping = new TokenShaping(options.Sampling);
        var sampler = new TokenSampler(SeededDraws.Of(options, random));
        var stop = new StopTexts(options.Stop);
        var (shown, written, ended) = (0, 0, false);
        for (var i = 0; i < options.MaxTokens && !ended; i++)
        {
            var token = sampler.Sample(shaping.Shape(batch.Candidates, batch.Logits(0)), options.Sampling.Temperature);
            if (batch.IsEnd(token))
            {
                ended = true;
                break;
            }

            shaping.Release(token);
            await batch.AppendAsync(token, cancellationToken).ConfigureAwait(false);
            written++;
            yield return new GeneratedText(stop.Push(batch.Text[shown..]));
            (shown, ended) = (batch.Text.Length, stop.Found);
        }

        yield return new GeneratedText(stop.Rest(), Tokens: 0, ended ? FinishReason.Stop : FinishReason.Length) { Usage = new EngineUsage(promptTokens, written) };
    }
}
