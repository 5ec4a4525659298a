using System.Runtime.CompilerServices;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Prompts;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Federation.Nodes.Shards.Engine;

/// <summary>
/// A hospital's engine whose model is cut over several nodes: likelihoods and logits have the bits of the embedded engine, however the model is cut and whoever is lost on the way.
/// Token ids and logits stay here; hidden states stay in the hospital's trust zone unless an agreement says otherwise.
/// </summary>
/// <param name="clusters">Where it is computed.</param>
/// <param name="model">The coordinator's part of the model.</param>
/// <param name="name">The model's public name.</param>
/// <param name="hospital">On whose behalf the shards work.</param>
/// <param name="random">For the public path, whose tokens are sampled here.</param>
public sealed class ShardedEngine(ShardedClusters clusters, ShardedModel model, string name, string hospital, ISecureRandom random) : IInferenceEngine, IDisposable
{
    /// <summary>The most contexts of one decoding: twice as many sequences must find room at the shards, for the prompt and for the answer that is under way.</summary>
    public const int MostContexts = Room / 2;

    // Below what a shard keeps (ShardEngine), so that it never lets go of one that is read.
    private const int Room = 240;
    private const int PassContexts = 32;

    private readonly ContextRoom _room = new(Room);
    private readonly ModelPrompts _prompts = new(PromptTemplate.For(model.Tokenizer ?? throw new ArgumentException("The model has no tokenizer.", nameof(model))), model.Shape.Context);

    public EngineCapabilities Capabilities { get; } = new(name, model.Shape.Context, Scores: true, Logits: true, int.MaxValue) { Tokenizes = true };

    /// <summary>Links the nodes, cuts the model over them and lets them generate a token.</summary>
    /// <exception cref="EngineException">A node cannot be reached or cannot load its part.</exception>
    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        using var batch = await OpenAsync([[model.Shape.BeginToken ?? 0]], cancellationToken).ConfigureAwait(false);
        await ComputeAsync(batch, 1, cancellationToken).ConfigureAwait(false);
    }

    public int CountTokens(IReadOnlyList<ChatMessage> messages) => _prompts.Count(messages);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<IReadOnlyList<OptionScore>>> ScoreAsync(IReadOnlyList<ChatContext> contexts, IReadOnlyList<string> options, CancellationToken cancellationToken)
    {
        var (tokens, answers) = _prompts.ForScores(contexts, options);
        var scores = new List<IReadOnlyList<OptionScore>>();
        foreach (var part in tokens.Chunk(PassContexts))
        {
            using var room = await _room.EnterAsync(part.Length, cancellationToken).ConfigureAwait(false);
            using var batch = await OpenAsync(part, cancellationToken).ConfigureAwait(false);
            var first = await ComputeAsync(batch, 1, cancellationToken).ConfigureAwait(false);
            var sums = first.Select(rows => answers.Select(answer => LogLikelihood.Of(rows[0], answer[0])).ToArray()).ToList();
            for (var option = 0; option < answers.Count; option++)
            {
                await AddRestAsync(batch, answers[option], option, sums, cancellationToken).ConfigureAwait(false);
            }

            scores.AddRange(sums.Select(row => row.Select((likelihood, option) => new OptionScore(likelihood, answers[option].Count)).ToList()));
        }

        return scores;
    }

    public async Task<IDecodingBatch> OpenDecodingAsync(IReadOnlyList<ChatContext> contexts, int maxTokens, CancellationToken cancellationToken)
    {
        var room = await _room.EnterAsync(2 * contexts.Count, cancellationToken).ConfigureAwait(false);
        ShardBatch? batch = null;
        try
        {
            batch = await OpenAsync(_prompts.ForAnswer(contexts, maxTokens), cancellationToken).ConfigureAwait(false);
            var logits = await ComputeAsync(batch, 1, cancellationToken).ConfigureAwait(false);
            return new ShardedDecodingBatch(this, _prompts.Template, batch, [.. logits.Select(rows => rows[0])], room);
        }
        catch
        {
            batch?.Dispose();
            room.Dispose();
            throw;
        }
    }

    public async IAsyncEnumerable<GeneratedText> GenerateAsync(ChatContext context, GenerationOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var batch = await OpenDecodingAsync([context], options.MaxTokens, cancellationToken).ConfigureAwait(false);
        await using var _ = batch.ConfigureAwait(false);
        var prompt = _prompts.ForAnswer([context], options.MaxTokens)[0].Count;
        await foreach (var piece in DecodingLoop.RunAsync(batch, prompt, options, random, cancellationToken).ConfigureAwait(false))
        {
            yield return piece;
        }
    }

    public Task<IReadOnlyList<int>> TokenizeAsync(string text, CancellationToken cancellationToken) => Task.FromResult(model.Tokenizer!.Encode(text));

    public void Dispose() => clusters.Dispose();

    /// <summary>The same sequences once more, to be computed when they are asked for.</summary>
    internal ShardBatch Again(ShardBatch batch) => new(batch.Cluster, NewRequest(), hospital, batch.Contexts);

    /// <exception cref="EngineException">No node is left; the next question links them anew.</exception>
    internal async Task<float[][][]> ComputeAsync(ShardBatch batch, int wanted, CancellationToken cancellationToken)
    {
        try
        {
            return await batch.ComputeAsync(wanted, cancellationToken).ConfigureAwait(false);
        }
        catch (ShardsUnavailableException none)
        {
            clusters.GiveUp(batch.Cluster);
            throw new EngineException(EngineFault.Unreachable, none.Message, none);
        }
    }

    private async Task<ShardBatch> OpenAsync(IEnumerable<IReadOnlyList<int>> contexts, CancellationToken cancellationToken)
    {
        try
        {
            return new ShardBatch(await clusters.GetAsync(cancellationToken).ConfigureAwait(false), NewRequest(), hospital, contexts);
        }
        catch (Exception error) when (error is ShardLostException or ShardPlanException)
        {
            throw new EngineException(EngineFault.Unreachable, "the model's shards: " + error.Message, error);
        }
    }

    private async Task AddRestAsync(ShardBatch batch, IReadOnlyList<int> answer, int option, List<double[]> sums, CancellationToken cancellationToken)
    {
        if (answer.Count == 1)
        {
            return;
        }

        batch.Append([.. answer.Take(answer.Count - 1)]);
        var logits = await ComputeAsync(batch, answer.Count - 1, cancellationToken).ConfigureAwait(false);
        for (var context = 0; context < logits.Length; context++)
        {
            for (var token = 1; token < answer.Count; token++)
            {
                sums[context][option] += LogLikelihood.Of(logits[context][token - 1], answer[token]);
            }
        }

        batch.TakeBack(answer.Count - 1);
    }

    private static string NewRequest() => "engine-" + Guid.NewGuid().ToString("N");
}
