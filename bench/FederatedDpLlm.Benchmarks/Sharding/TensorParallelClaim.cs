using FederatedDpLlm.Federation.Nodes.Shards;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Benchmarks.Sharding;

/// <summary>One stream decoded by two processes of one thread each, every layer cut over both, against the whole model on one thread of one process.</summary>
internal sealed class TensorParallelClaim : IClaim
{
    private const int Rounds = 5;

    // A layer is some microseconds of many methods: until all of them are compiled for good, at both ends, some hundred tokens pass.
    private const int WarmUpRounds = 8;
    private const int Tokens = 96;

    public string Name => "tensor-parallel";

    public string Description => "Tokens per second of a 135M Q8_0 model cut over two processes behind mutual TLS, beside one process (llama.cpp's RPC tensor mode: 6 to 8).";

    public async IAsyncEnumerable<Measurement> MeasureAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var bench = new ShardedBench();
        var path = RandomModelFile.Write(bench.Folder, ElementType.Q8_0, cancellationToken);
        var whole = LanguageModel.Load(path, threads: 1);
        var cluster = await bench.CutAsync(path, ShardedModel.Load(path), ShardStrategy.Tensor, [await bench.StartAsync(path, cancellationToken), ShardedBench.Own], cancellationToken);
        var (cut, alone) = (new List<(double Wall, double Processor)>(), new List<(double Wall, double Processor)>());
        for (var round = 0; round < WarmUpRounds + Rounds; round++)
        {
            cut.Add(await CutAsync(bench, cluster, cancellationToken));
            alone.Add(await AloneAsync(bench, whole, cancellationToken));
        }

        foreach (var measurement in ShardedBench.Compared("135M Q8_0, two processes of one thread", cut.Skip(WarmUpRounds), "one process of one thread", alone.Skip(WarmUpRounds)))
        {
            yield return measurement;
        }
    }

    private static async Task<(double Wall, double Processor)> CutAsync(ShardedBench bench, ShardCluster cluster, CancellationToken cancellationToken)
    {
        using var session = cluster.Open("bench", "bench");
        await session.AppendAsync(new[] { 0, 5, 7 }, cancellationToken);
        return await bench.SpeedAsync(Tokens, async () =>
        {
            for (var token = 0; token < Tokens; token++)
            {
                await session.AppendAsync(new[] { token + 2 }, cancellationToken);
            }
        });
    }

    private static async Task<(double Wall, double Processor)> AloneAsync(ShardedBench bench, LanguageModel model, CancellationToken cancellationToken)
    {
        using var batch = model.OpenBatch([[0, 5, 7]], cancellationToken);
        return await bench.SpeedAsync(Tokens, () =>
        {
            for (var token = 0; token < Tokens; token++)
            {
                batch.Append(token + 2, cancellationToken);
            }

            return Task.CompletedTask;
        });
    }
}
