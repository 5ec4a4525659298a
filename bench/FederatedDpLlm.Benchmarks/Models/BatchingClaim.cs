using System.Diagnostics;
using System.Runtime.CompilerServices;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Benchmarks.Models;

/// <summary>Sixteen answers to sixteen prompts decoded together, as the embedded engine does, beside one alone; in turns, medians of five rounds.</summary>
internal sealed class BatchingClaim : IClaim
{
    private const int Streams = 16;
    private const int PromptTokens = 64;
    private const int Steps = 6;
    private const int Rounds = 5;

    public string Name => "batching";

    public string Description => "Decoding 16 streams together against one alone, 135M shape, in F32, BF16, Q8_0 and Q4_0, 1 and 2 threads; 4 times is promised.";

    public async IAsyncEnumerable<Measurement> MeasureAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        foreach (var type in new[] { ElementType.Float32, ElementType.BFloat16, ElementType.Q8_0, ElementType.Q4_0 })
        {
            using var file = ShapedModel.Small(type);
            foreach (var threads in new[] { 1, 2 })
            {
                var model = file.Load(threads);
                using var alone = Open(model, Streams, cancellationToken);
                var crowd = Enumerable.Range(0, Streams).Select(stream => Open(model, stream, cancellationToken)).ToList();
                var (one, many) = (new List<Speed>(), new List<Speed>());
                for (var round = 0; round <= Rounds; round++)
                {
                    var (single, together) = (Decode([alone], cancellationToken), Decode(crowd, cancellationToken));
                    if (round > 0)
                    {
                        one.Add(single);
                        many.Add(together);
                    }
                }

                crowd.ForEach(batch => batch.Dispose());
                var setting = $"135M {type} 16 streams {threads} thread{(threads > 1 ? "s" : "")}";
                yield return new Measurement(setting, Median(many, speed => speed.Wall), "tokens/s", "one stream", Median(one, speed => speed.Wall));
                yield return new Measurement(setting, Median(many, speed => speed.Processor), "tokens/CPU-s", "one stream", Median(one, speed => speed.Processor));
            }
        }
    }

    private static DecodingBatch Open(LanguageModel model, int seed, CancellationToken cancellationToken) =>
        model.OpenBatch([[.. Enumerable.Range(0, PromptTokens).Select(i => 2 + ((seed * 7919) + (i * 104729)) % 200)]], cancellationToken);

    private static Speed Decode(List<DecodingBatch> batches, CancellationToken cancellationToken)
    {
        var (clock, used) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
        for (var step = 0; step < Steps; step++)
        {
            DecodingBatch.AppendTogether([.. batches.Select((batch, stream) => (batch, 2 + step + stream))], cancellationToken);
        }

        var tokens = (double)Steps * batches.Count;
        return new Speed(tokens / clock.Elapsed.TotalSeconds, tokens / (Environment.CpuUsage.TotalTime - used).TotalSeconds);
    }

    private static double Median(List<Speed> speeds, Func<Speed, double> figure) => speeds.Select(figure).Order().ElementAt(Rounds / 2);

    private readonly record struct Speed(double Wall, double Processor);
}
