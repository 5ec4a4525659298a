using System.Diagnostics;
using FederatedDpLlm.Federation.Nodes.Shards;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Benchmarks.Sharding;

/// <summary>Eight requests of 512 tokens at once through two stages of one thread each, against the same requests through one stage of one thread.</summary>
internal sealed class PipelineClaim : IClaim
{
    private const int Rounds = 5;
    private const int Requests = 8;
    private const int PromptTokens = 512;

    public string Name => "pipeline";

    public string Description => "Prompt tokens per second of eight requests through two pipeline stages on two cores, beside one stage on one core (135M, BF16).";

    public async IAsyncEnumerable<Measurement> MeasureAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var bench = new ShardedBench();
        var path = RandomModelFile.Write(bench.Folder, ElementType.BFloat16, cancellationToken);
        var model = ShardedModel.Load(path);
        var one = await bench.CutAsync(path, model, ShardStrategy.None, [await bench.StartAsync(path, cancellationToken)], cancellationToken);
        var two = await bench.CutAsync(
            path, model, ShardStrategy.Pipeline, [await bench.StartAsync(path, cancellationToken), await bench.StartAsync(path, cancellationToken)], cancellationToken);
        var (cut, alone) = (new List<double>(), new List<double>());
        for (var round = 0; round <= Rounds; round++)
        {
            cut.Add(await SpeedAsync(two, cancellationToken));
            alone.Add(await SpeedAsync(one, cancellationToken));
        }

        // The first round warms the kernels up.
        yield return new Measurement("135M BF16, eight requests, two stages of one thread", Median.Of(cut.Skip(1)), "tokens/s", "one stage of one thread", Median.Of(alone.Skip(1)));
    }

    private static async Task<double> SpeedAsync(ShardCluster cluster, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, Requests).Select(request => Task.Run(
            async () =>
            {
                using var session = cluster.Open("bench", "bench");
                await session.AppendAsync(Enumerable.Range(request + 2, PromptTokens).ToArray(), cancellationToken);
            },
            cancellationToken)));
        return Requests * PromptTokens / clock.Elapsed.TotalSeconds;
    }
}
