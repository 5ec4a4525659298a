using CsCheck;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Models.Tests.Llama;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.Models.Tests.Sharding;

/// <summary>However a model is cut, its logits have the bits of the whole.</summary>
public sealed class BitEqualityTests
{
    private static readonly CancellationToken Cancellation = TestContext.Current.CancellationToken;

    // Eight slices of each, grouped queries; three attention slices (no power of two) with biases and norms; one attention slice; stored types.
    private static readonly ShardedRandomModel Stored =
        new(RandomModel.Shape with { Width = 64, Layers = 4, Heads = 8, KeyValueHeads = 8, HeadSize = 32, FeedForwardWidth = 256 }, ElementType.Q8_0);

    private static readonly ShardedRandomModel[] Models =
    [
        new(RandomModel.Shape with { Width = 48, Layers = 4, Heads = 16, KeyValueHeads = 8, HeadSize = 6, FeedForwardWidth = 56 }),
        new(RandomModel.Shape with { Layers = 3, Heads = 9, KeyValueHeads = 3, HeadSize = 8, AttentionBias = true, QueryKeyNorm = true, FeedForwardWidth = 88 }),
        new(RandomModel.Shape with { Layers = 2, Heads = 4, KeyValueHeads = 1, HeadSize = 10, TiedHead = false, FeedForwardWidth = 52 }),
        new(RandomModel.Shape with { Width = 64, Layers = 3, Heads = 8, KeyValueHeads = 4, HeadSize = 16, FeedForwardWidth = 256 }, ElementType.Q8_0),
        new(RandomModel.Shape with { Width = 96, Layers = 2, Heads = 9, KeyValueHeads = 3, HeadSize = 32, FeedForwardWidth = 128 }, ElementType.Q4_0),
        new(RandomModel.Shape with { Width = 48, Layers = 2, Heads = 4, KeyValueHeads = 4, HeadSize = 12, FeedForwardWidth = 72 }, ElementType.BFloat16),
    ];

    [Fact]
    public void Any_plan_gives_the_bits_of_the_unsharded_model_in_any_chunks() => Prove(iterations: 40, Models);

    [Theory, InlineData(ElementType.Float32), InlineData(ElementType.BFloat16), InlineData(ElementType.Q8_0), InlineData(ElementType.Q4_0), Trait(TestLength.Name, TestLength.Ci)]
    public void Two_hundred_random_plans_of_each_type_give_the_bits_of_the_unsharded_model(ElementType type) =>
        Prove(iterations: 200, [.. Models.Append(Stored).Where(model => model.Type == type)]);

    [Theory]
    [InlineData(ShardStrategy.None, 1), InlineData(ShardStrategy.Layer, 2), InlineData(ShardStrategy.Layer, 4), InlineData(ShardStrategy.Pipeline, 2), InlineData(ShardStrategy.Pipeline, 4)]
    [InlineData(ShardStrategy.Attention, 2), InlineData(ShardStrategy.Attention, 4), InlineData(ShardStrategy.Tensor, 2), InlineData(ShardStrategy.Tensor, 3)]
    [InlineData(ShardStrategy.Tensor, 8), InlineData(ShardStrategy.TensorPipeline, 4), InlineData(ShardStrategy.TensorPipeline, 5)]
    public async Task Every_strategy_gives_the_bits_of_the_unsharded_model(ShardStrategy strategy, int degree)
    {
        foreach (var model in new[] { Models[0], Stored })
        {
            var plan = new ShardPlanner(model.Shape, model.Model.Manifest.Root, TrustZones.Only("home")).Plan(1, strategy, Nodes(degree));
            var forward = model.Cut(plan);
            var tokens = RandomModel.Tokens(90, 3);
            var expected = model.Unsharded(tokens).AsMemory(^model.Shape.Vocabulary..).ToArray();

            Assert.Equal(degree, plan.Shards.Count);
            foreach (var chunk in new[] { 1, 7, 64, tokens.Length })
            {
                Assert.Equal(expected, await forward.PrefillAsync(Guid.NewGuid(), 0, tokens, chunk, Cancellation));
            }

            int[][] many = [.. Enumerable.Range(0, 16).Select(i => RandomModel.Tokens(1 + i, (ulong)i))];
            Assert.Equal(model.Unsharded(many), await Logits(forward, many, 7, model.Shape.Vocabulary));
        }
    }

    [Fact]
    public async Task Repeating_a_request_changes_nothing()
    {
        var model = Models[0];
        var forward = model.Cut(model.AnyPlan(11));
        var tokens = RandomModel.Tokens(70, 4);
        var session = Guid.NewGuid();
        await forward.PrefillAsync(session, 0, tokens, 16, Cancellation);
        var last = await forward.RunAsync([new ShardChunk(session, 60, tokens.AsMemory(60))], Cancellation);
        await forward.RunAsync([new ShardChunk(session, 33, tokens.AsMemory(33, 20))], Cancellation);
        var again = await forward.RunAsync([new ShardChunk(session, 53, tokens.AsMemory(53))], Cancellation);
        Assert.Equal(model.Unsharded(tokens)[^model.Shape.Vocabulary..], last);
        Assert.Equal(last, again);
    }

    internal static IReadOnlyList<ShardNode> Nodes(int count) =>
        [.. Enumerable.Range(0, count).Select(node => new ShardNode($"node-{node}", "home", 1000, TimeSpan.FromMilliseconds(0.05), 1L << 30))];

    private static void Prove(int iterations, ShardedRandomModel[] models) =>
        Gen.Select(Gen.Int[0, models.Length - 1], Gen.ULong, Gen.Int[0, 3], Gen.Int[1, 16]).Sample(
            (which, seed, size, batch) =>
            {
                int[] sizes = [1, 7, 64, ShardWork.MostRows];
                var chunk = sizes[size];
                var model = models[which];
                var forward = model.Cut(model.AnyPlan(seed));
                int[][] sequences = [.. Enumerable.Range(0, batch).Select(i => RandomModel.Tokens(1 + (int)((seed >> i) % (ulong)(20 + 160 / batch)), seed + (ulong)i))];
                var expected = model.Unsharded(sequences);
                var logits = Logits(forward, sequences, chunk, model.Shape.Vocabulary).GetAwaiter().GetResult();
                return expected.AsSpan().SequenceEqual(logits);
            },
            iter: iterations, threads: 1);

    // Every sequence's next chunk together in one pass, until all are through.
    private static async Task<float[]> Logits(ShardedForward forward, int[][] sequences, int chunk, int vocabulary)
    {
        var sessions = sequences.Select(_ => Guid.NewGuid()).ToArray();
        var starts = sequences.Select((_, i) => sequences.Take(i).Sum(tokens => tokens.Length)).ToArray();
        var all = new float[sequences.Sum(tokens => tokens.Length) * vocabulary];
        var each = Math.Min(chunk, ShardWork.MostRows / sequences.Length);
        for (var at = 0; at < sequences.Max(tokens => tokens.Length); at += each)
        {
            var open = Enumerable.Range(0, sequences.Length).Where(i => sequences[i].Length > at).ToList();
            var chunks = open.Select(i => new ShardChunk(sessions[i], at, sequences[i].AsMemory(at, Math.Min(each, sequences[i].Length - at)), AllLogits: true)).ToList();
            var logits = await forward.RunAsync(chunks, Cancellation);
            var from = 0;
            foreach (var (i, part) in open.Zip(chunks))
            {
                var size = part.Tokens.Length * vocabulary;
                logits.AsSpan(from, size).CopyTo(all.AsSpan((starts[i] + at) * vocabulary));
                from += size;
            }
        }

        return all;
    }
}
