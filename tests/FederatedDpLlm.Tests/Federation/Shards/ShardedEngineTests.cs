using System.Runtime.InteropServices;
using FederatedDpLlm.Federation.Nodes.Shards;
using FederatedDpLlm.Federation.Nodes.Shards.Engine;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Tests.Federation.Shards;

/// <summary>A hospital's engine over shards gives a node what the embedded one gives it, bit for bit.</summary>
public sealed class ShardedEngineTests : IDisposable
{
    private static readonly CancellationToken Cancellation = TestContext.Current.CancellationToken;
    private static readonly ChatMessage[] Question = [new("user", "Which drug does the patient take?")];
    private static readonly string[] Options = ["bisoprolol", "aspirin", "no drug at all", "x"];
    private static readonly ChatContext[] Contexts =
        [new(Question, []), new(Question, ["Anna, 66, takes bisoprolol against her high blood pressure."]), new(Question, ["Bert takes aspirin.", "Carla came with a cough."]), new(Question, [])];

    private readonly ShardTestbed _bed = new();
    private readonly SecureRandom _random = new();
    private readonly EmbeddedEngine _whole;

    public ShardedEngineTests() => _whole = new EmbeddedEngine(LanguageModel.Load(BundledModel.Folder, threads: 1), "ward-2m", _random, TimeProvider.System);

    public void Dispose()
    {
        _whole.Dispose();
        _bed.Dispose();
        _random.Dispose();
    }

    [Theory, InlineData(ShardStrategy.Layer, 2), InlineData(ShardStrategy.Pipeline, 3), InlineData(ShardStrategy.Tensor, 2), InlineData(ShardStrategy.TensorPipeline, 4)]
    public async Task Options_are_scored_to_the_last_bit_as_the_embedded_engine_does(ShardStrategy strategy, int degree)
    {
        using var engine = Engine(strategy, Hosts(degree));
        Assert.Equal(await _whole.ScoreAsync(Contexts, Options, Cancellation), await engine.ScoreAsync(Contexts, Options, Cancellation));
    }

    [Fact]
    public async Task Every_logit_of_a_decoding_and_of_its_forks_is_the_embedded_engines()
    {
        using var engine = Engine(ShardStrategy.Layer, Hosts(2));
        await using var expected = await _whole.OpenDecodingAsync(Contexts, 8, Cancellation);
        await using var actual = await engine.OpenDecodingAsync(Contexts, 8, Cancellation);
        foreach (var first in new[] { 70, 71 })
        {
            await using var one = expected.Fork();
            await using var other = actual.Fork();
            foreach (var token in new[] { first, 300, 301 })
            {
                RequireSame(one, other);
                await one.AppendAsync(token, Cancellation);
                await other.AppendAsync(token, Cancellation);
            }

            RequireSame(one, other);
            Assert.Equal(one.Text, other.Text);
        }

        RequireSame(expected, actual);
    }

    [Fact]
    public async Task A_host_that_is_lost_in_the_middle_changes_no_bit()
    {
        var hosts = Hosts(3);
        using var engine = Engine(ShardStrategy.Layer, hosts[..2], [hosts[2]]);
        await using var expected = await _whole.OpenDecodingAsync(Contexts, 8, Cancellation);
        await using var actual = await engine.OpenDecodingAsync(Contexts, 8, Cancellation);
        await expected.AppendAsync(70, Cancellation);
        await actual.AppendAsync(70, Cancellation);
        _bed.End(hosts[1]);
        await expected.AppendAsync(71, Cancellation);
        await actual.AppendAsync(71, Cancellation);
        RequireSame(expected, actual);
    }

    [Fact]
    public async Task A_fork_that_is_computed_over_another_zone_is_audited_as_its_prompt_was()
    {
        ShardEndpoint[] hosts = [_bed.Host("ours"), _bed.Host("theirs", zone: "hospital-b")];
        using var engine = new ShardedEngine(
            new ShardedClusters(_ => _bed.StartAsync(ShardStrategy.Tensor, hosts, [_bed.Host("spare", zone: "hospital-b")], new TrustZones(ShardTestbed.Zone, ["hospital-b"]))),
            ShardTestbed.Model, "ward", ShardTestbed.Hospital, _random);
        await using var prompt = await engine.OpenDecodingAsync(Contexts, 8, Cancellation);
        _bed.End(hosts[1]);
        await prompt.AppendAsync(70, Cancellation);
        Assert.Equal(["theirs", "spare"], _bed.Audited.Select(record => record.Details["node"]));

        await using var fork = prompt.Fork();
        await fork.AppendAsync(71, Cancellation);
        Assert.Equal(["theirs", "spare", "spare"], _bed.Audited.Select(record => record.Details["node"]));
    }

    [Fact]
    public async Task Where_no_host_is_left_the_question_fails_with_a_named_fault_and_the_next_one_links_anew()
    {
        var first = Hosts(1);
        var hosts = first;
        using var engine = new ShardedEngine(
            new ShardedClusters(_ => _bed.StartAsync(ShardStrategy.None, hosts)), ShardTestbed.Model, "ward-2m", ShardTestbed.Hospital, _random);
        await engine.PrepareAsync(Cancellation);
        _bed.End(first[0]);
        Assert.Equal(EngineFault.Unreachable, (await Assert.ThrowsAsync<EngineException>(() => engine.ScoreAsync(Contexts, Options, Cancellation))).Fault);
        Assert.Equal(EngineFault.Unreachable, (await Assert.ThrowsAsync<EngineException>(() => engine.ScoreAsync(Contexts, Options, Cancellation))).Fault);
        hosts = [_bed.Host("node-9")];
        Assert.Equal(await _whole.ScoreAsync(Contexts, Options, Cancellation), await engine.ScoreAsync(Contexts, Options, Cancellation));
    }

    [Fact]
    public async Task More_questions_than_the_shards_have_room_for_wait_for_their_turn()
    {
        using var engine = Engine(ShardStrategy.Layer, Hosts(2));
        var voters = Enumerable.Range(0, ShardedEngine.MostContexts).Select(i => new ChatContext(Question, [$"Note {i}."])).ToList();
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => engine.OpenDecodingAsync([.. voters, .. voters], 4, Cancellation));
        var open = await engine.OpenDecodingAsync(voters, 4, Cancellation);
        var next = engine.ScoreAsync(Contexts, Options, Cancellation);
        using (var leaving = new CancellationTokenSource(TimeSpan.FromMilliseconds(100)))
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => engine.ScoreAsync(Contexts, Options, leaving.Token));
        }

        Assert.False(next.IsCompleted);
        await open.DisposeAsync();
        Assert.Equal(await _whole.ScoreAsync(Contexts, Options, Cancellation), await next);
    }

    [Fact]
    public async Task The_public_path_generates_from_the_same_logits()
    {
        using var engine = Engine(ShardStrategy.Layer, Hosts(2));
        var options = new GenerationOptions(6, new Models.Sampling.SamplingParameters { Temperature = 0 }, []);
        Assert.Equal(await TextAsync(_whole, options), await TextAsync(engine, options));
    }

    private static async Task<string> TextAsync(IInferenceEngine engine, GenerationOptions options)
    {
        var text = string.Empty;
        await foreach (var piece in engine.GenerateAsync(Contexts[1], options, Cancellation))
        {
            text += piece.Text;
        }

        return text;
    }

    private static void RequireSame(IDecodingBatch expected, IDecodingBatch actual)
    {
        for (var context = 0; context < Contexts.Length; context++)
        {
            Assert.True(MemoryMarshal.AsBytes(expected.Logits(context)).SequenceEqual(MemoryMarshal.AsBytes(actual.Logits(context))), $"context {context}");
        }
    }

    private List<ShardEndpoint> Hosts(int count) => [.. Enumerable.Range(0, count).Select(node => _bed.Host($"node-{node}"))];

    private ShardedEngine Engine(ShardStrategy strategy, IReadOnlyList<ShardEndpoint> nodes, IReadOnlyList<ShardEndpoint>? spares = null) =>
        new(new ShardedClusters(_ => _bed.StartAsync(strategy, nodes, spares)), ShardTestbed.Model, "ward-2m", ShardTestbed.Hospital, _random);
}
