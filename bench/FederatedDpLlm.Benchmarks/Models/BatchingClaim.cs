using System.Diagnostics;
using System.Runtime.CompilerServices;
using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Models.Serving;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Benchmarks.Models;

/// <summary>Sixteen answers to sixteen prompts decoded together, as the embedded engine does, beside one alone; in turns, medians of five rounds.</summary>
internal sealed class BatchingClaim : IClaim
{
    private const int Streams = 16;
    private const int Steps = 12;
    private const int Rounds = 5;

    // Two blocks of the cache and one token, with which the first step of decoding is done.
    private const int PromptTokens = 65;

    private static readonly SecureRandom Random = new();
    private static readonly SamplingParameters Endless = SamplingParameters.Greedy with { LogitBias = new Dictionary<int, double> { [0] = -1000, [1] = -1000, [2] = -1000 } };

    public string Name => "batching";

    public string Description => "Decoding 16 streams together against one alone, 135M shape, in F32, BF16, Q8_0 and Q4_0, 1 and 2 threads; 4 times is promised.";

    public async IAsyncEnumerable<Measurement> MeasureAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var type in new[] { ElementType.Float32, ElementType.BFloat16, ElementType.Q8_0, ElementType.Q4_0 })
        {
            using var file = ShapedModel.Small(type);
            foreach (var threads in new[] { 1, 2 })
            {
                var model = file.Load(threads);
                using var batcher = new ContinuousBatcher(model);
                var (one, many) = (new List<Speed>(), new List<Speed>());
                for (var round = 0; round <= Rounds; round++)
                {
                    var single = await DecodeAsync(batcher, [Streams], cancellationToken);
                    var together = await DecodeAsync(batcher, [.. Enumerable.Range(0, Streams)], cancellationToken);

                    // The first round also reads the prompts, which are kept for the others.
                    if (round > 0)
                    {
                        one.Add(single);
                        many.Add(together);
                    }
                }

                var setting = $"135M {type} 16 streams {threads} thread{(threads > 1 ? "s" : "")}";
                yield return new Measurement(setting, Median.Of(many.Select(speed => speed.Wall)), "tokens/s", "one stream", Median.Of(one.Select(speed => speed.Wall)));
                yield return new Measurement(setting, Median.Of(many.Select(speed => speed.Processor)), "tokens/CPU-s", "one stream", Median.Of(one.Select(speed => speed.Processor)));
            }
        }
    }

    private static async Task<Speed> DecodeAsync(ContinuousBatcher batcher, int[] streams, CancellationToken cancellationToken)
    {
        var (clock, used) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
        var counts = await Task.WhenAll(streams.Select(stream => Task.Run(() => AnswerAsync(batcher, stream, cancellationToken), cancellationToken)));
        return new Speed(counts.Sum() / clock.Elapsed.TotalSeconds, counts.Sum() / (Environment.CpuUsage.TotalTime - used).TotalSeconds);
    }

    private static async Task<double> AnswerAsync(ContinuousBatcher batcher, int stream, CancellationToken cancellationToken)
    {
        int[] prompt = [.. Enumerable.Range(0, PromptTokens).Select(i => 2 + ((stream * 7919) + (i * 104729)) % 200)];
        var request = new StreamRequest("bench", prompt, Steps, Random) { Sampling = Endless };
        var tokens = 0.0;
        await foreach (var _ in batcher.GenerateAsync(request, cancellationToken))
        {
            tokens++;
        }

        return tokens;
    }

    private readonly record struct Speed(double Wall, double Processor);
}
