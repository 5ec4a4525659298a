using System.Diagnostics;
using FederatedDpLlm.Federation.Nodes.Shards;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Models.Training;
using FederatedDpLlm.Tests.Shared;
using Microsoft.Extensions.Logging.Abstractions;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>Real shard processes are killed at any moment; the stream goes on, and every logit keeps its bits.</summary>
public sealed class ShardKillTests : IDisposable
{
    private const int Tokens = 20;
    private static readonly CancellationToken Cancellation = TestContext.Current.CancellationToken;
    private static readonly (ShardStrategy Strategy, int Degree)[] Cuts =
    [
        (ShardStrategy.Layer, 2), (ShardStrategy.Layer, 3), (ShardStrategy.Pipeline, 2), (ShardStrategy.Pipeline, 3), (ShardStrategy.Attention, 2),
        (ShardStrategy.Tensor, 2), (ShardStrategy.Tensor, 4), (ShardStrategy.TensorPipeline, 4), (ShardStrategy.None, 1),
    ];

    private readonly ShardFleet _fleet = new();
    private readonly ShardedModel _model = ShardedModel.Load(BundledModel.Folder);
    private readonly int[] _prompt;
    private readonly List<float[]> _whole = [];

    public ShardKillTests()
    {
        var model = LanguageModel.Load(BundledModel.Folder, 1);
        _prompt = [.. model.Tokenizer.BeginToken is { } begin ? [begin] : Array.Empty<int>(), .. model.Tokenizer.Encode("Patient with chest pain since two hours. Which department sees it?")];
        using var batch = model.OpenBatch([_prompt], Cancellation);
        for (var token = 0; token < Tokens; token++)
        {
            _whole.Add(batch.Logits(0).ToArray());
            batch.Append(TokenSampler.Largest(batch.Logits(0)), Cancellation);
        }
    }

    public void Dispose() => _fleet.Dispose();

    [Fact]
    public Task Four_kills_cost_no_token() => KillAsync(4);

    [Fact, Trait(TestLength.Name, TestLength.Ci)]
    public Task Fifty_kills_cost_no_token() => KillAsync(50);

    [Fact, Trait(TestLength.Name, TestLength.Long)]
    public Task A_thousand_kills_cost_no_token() => KillAsync(1000);

    [Fact]
    public async Task A_stopped_process_is_left_behind_at_the_deadline_and_no_token_is_lost()
    {
        var members = await _fleet.TakeAsync(3);
        using var cluster = await StartAsync(ShardStrategy.Tensor, members, spares: 1, step: TimeSpan.FromSeconds(2));
        await GenerateAsync(cluster, token => Task.Run(() => (token == 7 ? members[0] : null)?.Stop()));
        Assert.Contains(members[0].Endpoint.Node.Name, cluster.Recoveries.SelectMany(recovery => recovery.Lost));
    }

    private async Task KillAsync(int kills)
    {
        var random = new CounterRandom(4711);
        var (bySpare, replanned) = (new List<double>(), new List<double>());
        for (var kill = 0; kill < kills; kill++)
        {
            var (strategy, degree) = Cuts[random.Next(Cuts.Length)];
            var spares = degree == 1 ? 1 : kill % 2;
            var members = await _fleet.TakeAsync(degree + spares);
            using var cluster = await StartAsync(strategy, members, spares, step: TimeSpan.FromSeconds(20));
            var (victim, after, delay) = (members[random.Next(degree)], random.Next(Tokens - 1), random.Next(4000));
            var stall = await GenerateAsync(cluster, token => token == after ? KillLaterAsync(victim, delay) : Task.CompletedTask);

            Assert.Equal([victim.Endpoint.Node.Name], Assert.Single(cluster.Recoveries).Lost);
            Assert.Equal(spares == 1, cluster.Recoveries[0].BySpare);

            // While the prompt is read there is no token yet for the next to come after.
            if (after > 0)
            {
                (spares == 1 ? bySpare : replanned).Add(stall);
            }
        }

        Report("by a hot spare", bySpare);
        Report("by a new plan", replanned);
    }

    private Task<ShardCluster> StartAsync(ShardStrategy strategy, IReadOnlyList<ShardFleet.Member> members, int spares, TimeSpan step) => ShardCluster.StartAsync(
        new ShardClusterOptions
        {
            Federation = ShardFleet.Federation, Model = BundledModel.Folder, Zones = TrustZones.Only(ShardFleet.Zone), Strategy = strategy,
            Nodes = [.. members.SkipLast(spares).Select(member => member.Endpoint)], Spares = [.. members.TakeLast(spares).Select(member => member.Endpoint)],
            Timeouts = new ShardTimeouts { Connect = TimeSpan.FromSeconds(30), Step = step },
        },
        _model, _fleet.Coordinator, (_, _) => Task.CompletedTask, TimeProvider.System, NullLogger<ShardCluster>.Instance, Cancellation);

    /// <returns>The longest time from one token to the next.</returns>
    private async Task<double> GenerateAsync(ShardCluster cluster, Func<int, Task> afterToken)
    {
        using var session = cluster.Open("request", "tester");
        ReadOnlyMemory<int> next = _prompt;
        var (longest, meanwhile) = (0.0, afterToken(0));
        for (var token = 0; token < Tokens; token++)
        {
            var clock = Stopwatch.StartNew();
            var logits = await session.AppendAsync(next, Cancellation);
            longest = token == 0 ? 0 : Math.Max(longest, clock.Elapsed.TotalMilliseconds);
            Assert.Equal(_whole[token], logits);
            next = new[] { TokenSampler.Largest(logits) };
            await meanwhile;
            meanwhile = afterToken(token + 1);
        }

        await meanwhile;
        return longest;
    }

    // Somewhere within the next token, not only between two.
    private static async Task KillLaterAsync(ShardFleet.Member victim, int delayMicroseconds)
    {
        await Task.Yield();
        var clock = Stopwatch.StartNew();
        SpinWait.SpinUntil(() => clock.Elapsed.TotalMicroseconds >= delayMicroseconds);
        victim.Kill();
    }

    private static void Report(string how, List<double> stalls)
    {
        if (stalls.Count > 0)
        {
            stalls.Sort();
            TestContext.Current.TestOutputHelper?.WriteLine(FormattableString.Invariant(
                $"{stalls.Count} losses made good {how}: stall median {stalls[stalls.Count / 2]:F0} ms, p99 {stalls[Math.Min(stalls.Count - 1, (int)Math.Ceiling(stalls.Count * 0.99) - 1)]:F0} ms, longest {stalls[^1]:F0} ms."));
        }
    }
}
