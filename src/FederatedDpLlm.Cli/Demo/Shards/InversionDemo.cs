using FederatedDpLlm.Cli.Commands;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Models.Tokenization;

namespace FederatedDpLlm.Cli.Demo.Shards;

/// <summary><c>fedllm shard inversion</c>: the prompt, as a shard of another zone reads it out of the hidden states that it is sent, and what every other layer would give away.</summary>
internal static class InversionDemo
{
    private const string Prompt = "Anna Example, born 3 May 1957, has chest pain since two hours and takes warfarin. Which department?";

    public static async Task<int> RunAsync(bool json, CancellationToken cancellationToken)
    {
        var model = ShardedModel.Load(BundledModel.Folder);
        int[] prompt = [.. model.Tokenizer!.BeginToken is { } begin ? [begin] : Array.Empty<int>(), .. model.Tokenizer.Encode(Prompt)];
        var seen = await EavesdropAsync(model, prompt, cancellationToken);
        Console.Error.WriteLine($"The second shard was sent {seen.Length} numbers. It now tries the vocabulary of {model.Shape.Vocabulary} at each of {prompt.Length} positions, then the same from every other layer.");
        using var front = Load(model, 0, HomeEdges.LeastFirstLayers);
        var attack = new PromptInversion(model, front);
        Report(prompt, attack.NearestEmbedding(seen), attack.Replay(seen, cancellationToken), ByLayer(model, prompt, cancellationToken), model.Tokenizer, json);
        return ExitCode.Good;
    }

    // The most that any agreement can give away: everything but the first layer and the last one.
    private static async Task<float[]> EavesdropAsync(ShardedModel model, int[] prompt, CancellationToken cancellationToken)
    {
        var (zones, last) = (new TrustZones("hospital-a", ["elsewhere"]) { HomeLayers = HomeEdges.LeastFirstLayers }, model.Shape.Layers - 1);
        var plan = new ShardPlan(1, ShardStrategy.Layer, model.Manifest.Root,
        [
            new ShardAssignment("ours", zones.Home, [Whole(model, 0), Whole(model, last)]),
            new ShardAssignment("curious", "elsewhere", [.. Enumerable.Range(1, last - 1).Select(layer => Whole(model, layer))]),
        ], zones.Edges);
        using var ours = ShardEngine.Load(BundledModel.Folder, plan, plan.Shards[0], model.Manifest.Hashes, threads: 1);
        using var theirs = ShardEngine.Load(BundledModel.Folder, plan, plan.Shards[1], model.Manifest.Hashes, threads: 1);
        var curious = new CuriousShard(new LocalShard(theirs));
        await new ShardedForward(model, plan, [new LocalShard(ours), curious]).PrefillAsync(Guid.NewGuid(), 0, prompt, ShardWork.MostRows, cancellationToken);
        return curious.Seen;
    }

    /// <summary>What the states that enter each layer give away, by the cheap attack, by the thorough one, and by the head.</summary>
    private static List<LayerLeak> ByLayer(ShardedModel model, int[] prompt, CancellationToken cancellationToken)
    {
        using var whole = Load(model, 0, model.Shape.Layers);
        var states = new List<float[]> { new float[prompt.Length * model.Shape.Width] };
        new PromptInversion(model, null).Embed(prompt, states[0]);
        var session = Guid.NewGuid();
        for (var layer = 0; layer < model.Shape.Layers; layer++)
        {
            states.Add(whole.Compute(new ShardWork(ShardStepKind.Layers, layer, layer + 1, [new ShardRows(session, 0, prompt.Length)], states[layer])).ToArray());
        }

        var answer = new PromptInversion(model, null).ReadByHead(states[^1]);
        var leaks = new List<LayerLeak>();
        for (var layer = 0; layer < states.Count; layer++)
        {
            using var front = layer > 0 ? Load(model, 0, layer) : null;
            var attack = new PromptInversion(model, front);
            leaks.Add(new LayerLeak(
                layer, Share(prompt, attack.NearestEmbedding(states[layer])), Share(prompt, attack.Replay(states[layer], cancellationToken)), Share(answer, attack.ReadByHead(states[layer]))));
        }

        return leaks;
    }

    // Anybody may load any of the public weights.
    private static ShardEngine Load(ShardedModel model, int first, int end)
    {
        var everything = new ShardAssignment("whole", "anywhere", [.. Enumerable.Range(0, model.Shape.Layers).Select(layer => Whole(model, layer))]);
        var plan = new ShardPlan(1, ShardStrategy.None, model.Manifest.Root, [everything], TrustZones.Only("anywhere").Edges);
        return ShardEngine.Load(BundledModel.Folder, plan, everything with { Layers = [.. everything.Layers.Take(first..end)] }, model.Manifest.Hashes, threads: 1);
    }

    private static LayerSlices Whole(ShardedModel model, int layer) => new(layer, SliceRun.All(model.Shape.AttentionSlices), SliceRun.All(model.Shape.FeedForwardSlices));

    private static double Share(IReadOnlyList<int> truth, IReadOnlyList<int> tokens) => (double)truth.Zip(tokens).Count(pair => pair.First == pair.Second) / truth.Count;

    private static void Report(int[] prompt, IReadOnlyList<int> nearest, IReadOnlyList<int> replayed, List<LayerLeak> byLayer, ITokenizer tokenizer, bool json)
    {
        string Text(IReadOnlyList<int> tokens) => StreamingTextDecoder.Decode(tokenizer, tokens.Skip(1), trimLeadingSpace: true);
        if (json)
        {
            JsonLine.Write(new
            {
                tokens = prompt.Length, nearestEmbedding = Share(prompt, nearest), replay = Share(prompt, replayed), prompt = Prompt, nearestEmbeddingText = Text(nearest), replayText = Text(replayed),
                byLayer,
            });
            return;
        }

        Console.WriteLine($"""
            The prompt:                    {Prompt}
            Nearest embedding recovers {Share(prompt, nearest),3:P0}: {Text(nearest)}
            Trying every token, {Share(prompt, replayed),3:P0}:        {Text(replayed)}

            From what leaves the first layers:    nearest embedding   every token   next token, by the head
            {string.Join(Environment.NewLine, byLayer.Select(leak => $"{leak.FirstLayers,34}{leak.NearestEmbedding,23:P0}{leak.Replay,14:P0}{leak.NextToken,26:P0}"))}

            Whoever holds a shard can read what passes through it. Cutting a model over hospitals is no privacy:
            a request's shards stay inside the asking hospital's trust zone unless an agreement says otherwise, and every crossing is audited.
            Even then the first {HomeEdges.DefaultFirstLayers} layers (at least {HomeEdges.LeastFirstLayers}) and the last one stay at home: that weakens the cheap attack and not the thorough one.
            """);
    }

    /// <param name="FirstLayers">How many layers the states have passed.</param>
    /// <param name="NearestEmbedding">The share of the prompt's tokens that one pass over the vocabulary recovers.</param>
    /// <param name="Replay">The share that trying every token recovers.</param>
    /// <param name="NextToken">How often the head reads the model's own next token.</param>
    private sealed record LayerLeak(int FirstLayers, double NearestEmbedding, double Replay, double NextToken);

    /// <summary>A shard that does its work, and keeps what it is sent.</summary>
    private sealed class CuriousShard(IShard inner) : IShard
    {
        private readonly List<float> _seen = [];

        public float[] Seen => [.. _seen];

        public Task<ReadOnlyMemory<float>> ComputeAsync(ShardWork work, CancellationToken cancellationToken)
        {
            _seen.AddRange(work.Stream.Span);
            return inner.ComputeAsync(work, cancellationToken);
        }

        public void Close(Guid session) => inner.Close(session);
    }
}
