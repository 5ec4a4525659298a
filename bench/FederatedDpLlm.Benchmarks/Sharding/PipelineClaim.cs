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
        var (cut, alone) = (new List<(double Wall, double Processor)>(), new List<(double Wall, double Processor)>());
        for (var round = 0; round <= Rounds; round++)
        {
            cut.Add(await ReadAsync(bench, two, cancellationToken));
            alone.Add(await ReadAsync(bench, one, cancellationToken));
        }

        // The first round warms the kernels up.
        foreach (var measurement in ShardedBench.Compared("135M BF16, eight requests, two stages of one thread", cut.Skip(1), "one stage of one thread", alone.Skip(1)))
        {
            yield return measurement;
        }
    }

    private static Task<(double Wall, double Processor)> ReadAsync(ShardedBench bench, ShardCluster cluster, CancellationToken cancellationToken) =>
        bench.SpeedAsync(Requests * PromptTokens, () => Task.WhenAll(Enumerable.Range(0, Requests).Select(request => Task.Run(
            async () =>
            {
                using var session = cluster.Open("bench", "bench");
                await session.AppendAsync(Enumerable.Range(request + 2, PromptTokens).ToArray(), cancellationToken);
            },
            cancellationToken))));
}
