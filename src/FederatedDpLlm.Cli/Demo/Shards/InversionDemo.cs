using FederatedDpLlm.Cli.Commands;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Models.Tokenization;

namespace FederatedDpLlm.Cli.Demo.Shards;

/// <summary><c>fedllm shard inversion</c>: the prompt, as the second of two shards reads it out of the hidden states that it is sent.</summary>
internal static class InversionDemo
{
    private const string Prompt = "Anna Example, born 3 May 1957, has chest pain since two hours and takes warfarin. Which department?";

    public static async Task<int> RunAsync(bool json, CancellationToken cancellationToken)
    {
        var model = ShardedModel.Load(BundledModel.Folder);
        var layers = model.Shape.Layers;
        LayerSlices Whole(int layer) => new(layer, SliceRun.All(model.Shape.AttentionSlices), SliceRun.All(model.Shape.FeedForwardSlices));
        var plan = new ShardPlan(1, ShardStrategy.Layer, model.Manifest.Root,
        [
            new ShardAssignment("ours", "hospital-a", [Whole(0)]),
            new ShardAssignment("curious", "elsewhere", [.. Enumerable.Range(1, layers - 1).Select(Whole)]),
        ]);
        using var front = ShardEngine.Load(BundledModel.Folder, plan, plan.Shards[0], model.Manifest.Hashes, threads: 1);
        using var back = ShardEngine.Load(BundledModel.Folder, plan, plan.Shards[1], model.Manifest.Hashes, threads: 1);
        var curious = new CuriousShard(new LocalShard(back));
        int[] prompt = [.. model.Tokenizer!.BeginToken is { } begin ? [begin] : Array.Empty<int>(), .. model.Tokenizer.Encode(Prompt)];
        await new ShardedForward(model, plan, [new LocalShard(front), curious]).PrefillAsync(Guid.NewGuid(), 0, prompt, ShardWork.MostRows, cancellationToken);

        var attack = new PromptInversion(model, front);
        var nearest = attack.NearestEmbedding(curious.Seen);
        Console.Error.WriteLine($"The second shard was sent {curious.Seen.Length} numbers. It now tries the vocabulary of {model.Shape.Vocabulary} at each of {prompt.Length} positions.");
        var replayed = attack.Replay(curious.Seen, cancellationToken);
        Report(prompt, nearest, replayed, model.Tokenizer, json);
        return ExitCode.Good;
    }

    private static void Report(int[] prompt, IReadOnlyList<int> nearest, IReadOnlyList<int> replayed, ITokenizer tokenizer, bool json)
    {
        double Recovered(IReadOnlyList<int> tokens) => (double)prompt.Zip(tokens).Count(pair => pair.First == pair.Second) / prompt.Length;
        string Text(IReadOnlyList<int> tokens) => StreamingTextDecoder.Decode(tokenizer, tokens.Skip(1), trimLeadingSpace: true);
        if (json)
        {
            JsonLine.Write(new
            {
                tokens = prompt.Length, nearestEmbedding = Recovered(nearest), replay = Recovered(replayed), prompt = Prompt, nearestEmbeddingText = Text(nearest), replayText = Text(replayed),
            });
            return;
        }

        Console.WriteLine($"""
            The prompt:                    {Prompt}
            Nearest embedding recovers {Recovered(nearest),3:P0}: {Text(nearest)}
            Trying every token, {Recovered(replayed),3:P0}:        {Text(replayed)}

            Whoever holds a shard can read what passes through it. Cutting a model over hospitals is no privacy:
            a request's shards stay inside the asking hospital's trust zone unless an agreement says otherwise, and every crossing is audited.
            """);
    }

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
