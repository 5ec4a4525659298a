using System.Runtime.CompilerServices;
using System.Text.Json;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Serving;
using FederatedDpLlm.Models.Serving.Constraints;
using FederatedDpLlm.Models.Serving.Constraints.Json;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Models.Weights.Adapters;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Inference.Engines;

/// <summary>The engine inside the node's own process. Its logits have the same bits on every machine, so nodes of one model agree on the public ones.</summary>
public sealed class EmbeddedEngine : IInferenceEngine, IDisposable
{
    // Contexts that are scored together: bounds the cache's memory.
    private const int ScoredContexts = 32;

    private readonly LanguageModel _model;
    private readonly ISecureRandom _random;
    private readonly TimeProvider _clock;
    private readonly EmbeddedEngineOptions _options;
    private readonly ModelPrompts _prompts;
    private readonly ContinuousBatcher _batcher;
    private readonly SemaphoreSlim _scoring = new(1, 1);
    private volatile ModelAdapter? _adapter;

    /// <param name="model">The weights; shared by all questions.</param>
    /// <param name="name">The model's public name.</param>
    /// <param name="random">For the public path, whose tokens are sampled here.</param>
    /// <param name="clock">For the time an answer may take.</param>
    /// <param name="options">Defaults where null.</param>
    public EmbeddedEngine(LanguageModel model, string name, ISecureRandom random, TimeProvider clock, EmbeddedEngineOptions? options = null)
    {
        (_model, _random, _clock, _options) = (model, random, clock, options ?? new EmbeddedEngineOptions());
        _prompts = new ModelPrompts(model.Template, model.Configuration.Context);
        _batcher = new ContinuousBatcher(model, _options.Serving);
        Capabilities = new(name, model.Configuration.Context, Scores: true, Logits: true, int.MaxValue) { Tokenizes = true, Adapters = true, Forms = true };
    }

    public EngineCapabilities Capabilities { get; }

    public int CountTokens(IReadOnlyList<ChatMessage> messages) => _prompts.Count(messages);

    /// <inheritdoc/>
    /// <remarks>One question is scored at a time, a part of its contexts at a time, beside whatever is decoded.</remarks>
    public async Task<IReadOnlyList<IReadOnlyList<OptionScore>>> ScoreAsync(IReadOnlyList<ChatContext> contexts, IReadOnlyList<string> options, CancellationToken cancellationToken)
    {
        var (tokens, answers) = _prompts.ForScores(contexts, options);
        var (adapter, scores) = (_adapter, new List<IReadOnlyList<OptionScore>>());
        await _scoring.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            foreach (var part in tokens.Chunk(ScoredContexts))
            {
                using var batch = await _batcher.OpenAsync(part, answers.Max(answer => answer.Count), adapter, cancellationToken).ConfigureAwait(false);
                var likelihoods = await _batcher.ScoreAsync(batch, answers, cancellationToken).ConfigureAwait(false);
                scores.AddRange(likelihoods.Select(row => row.Select((likelihood, option) => new OptionScore(likelihood, answers[option].Count)).ToList()));
            }
        }
        finally
        {
            _scoring.Release();
        }

        return scores;
    }

    public async Task<IDecodingBatch> OpenDecodingAsync(IReadOnlyList<ChatContext> contexts, int maxTokens, CancellationToken cancellationToken) =>
        new EmbeddedDecodingBatch(_model, await _batcher.OpenAsync(_prompts.ForAnswer(contexts, maxTokens), maxTokens, _adapter, cancellationToken).ConfigureAwait(false), _batcher);

    /// <inheritdoc/>
    /// <exception cref="EngineException">The answer took too long, or was refused: the queue is full, or there is no memory for it.</exception>
    public async IAsyncEnumerable<GeneratedText> GenerateAsync(ChatContext context, GenerationOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(_options.Timeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        var prompt = _prompts.ForAnswer([context], options.MaxTokens)[0];
        var request = new StreamRequest(options.Tenant, prompt, options.MaxTokens, SeededDraws.Of(options, _random))
        {
            Sampling = options.Sampling,
            Adapter = _adapter,
            Constraint = options.AnswerSchema is { } schema ? ConstraintOf(schema) : null,
        };
        var tokens = _batcher.GenerateAsync(request, either.Token).GetAsyncEnumerator(CancellationToken.None);
        await using var _ = tokens.ConfigureAwait(false);
        var decoder = _model.Template.AnswerDecoder();
        var stop = new StopTexts(options.Stop);
        var (count, ended) = (0, false);
        while (!ended && await NextAsync(tokens, deadline.Token, cancellationToken).ConfigureAwait(false))
        {
            count++;
            yield return new GeneratedText(stop.Push(decoder.Append(tokens.Current.Id)));
            ended = stop.Found || tokens.Current.IsLast;
        }

        yield return new GeneratedText(stop.Rest(), Tokens: 0, ended || count < options.MaxTokens ? FinishReason.Stop : FinishReason.Length) { Usage = new EngineUsage(prompt.Count, count) };
    }

    public Task<EngineStatus> StatusAsync(CancellationToken cancellationToken)
    {
        var load = _batcher.Load;
        return Task.FromResult(new EngineStatus(Ready: true, Capabilities.Model)
        {
            ContextTokens = Capabilities.ContextTokens,
            Slots = _options.Serving.MostStreams,
            Running = load.Running,
            Waiting = load.Waiting,
        });
    }

    /// <inheritdoc/>
    /// <remarks>The weights stay as they are; answers that are under way go on with what they began with.</remarks>
    /// <exception cref="EngineException">The adapter cannot be read, or does not fit the model.</exception>
    public Task LoadAdapterAsync(string name, string path, CancellationToken cancellationToken)
    {
        try
        {
            _adapter = _model.Attach(LoraAdapter.Read(path));
            return Task.CompletedTask;
        }
        catch (Exception error) when (error is ModelFormatException or IOException or UnauthorizedAccessException)
        {
            throw new EngineException(EngineFault.Refused, $"The adapter '{name}' cannot be put on: {error.Message}", error);
        }
    }

    public Task<IReadOnlyList<int>> TokenizeAsync(string text, CancellationToken cancellationToken) => Task.FromResult(_model.Tokenizer.Encode(text));

    public void Dispose()
    {
        _batcher.Dispose();
        _scoring.Dispose();
    }

    private static AnswerConstraint ConstraintOf(string schema)
    {
        using var parsed = JsonDocument.Parse(schema);
        return AnswerConstraint.Json(JsonShape.Parse(parsed.RootElement));
    }

    private async Task<bool> NextAsync(IAsyncEnumerator<StreamToken> tokens, CancellationToken deadline, CancellationToken cancellationToken)
    {
        try
        {
            return await tokens.MoveNextAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException late) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new EngineException(EngineFault.Timeout, $"The answer took longer than the {_options.Timeout.TotalSeconds:0.###} s that it may take.", late);
        }
        catch (ServingRefusedException refused)
        {
            throw new EngineException(refused.Refusal == ServingRefusal.QueueFull ? EngineFault.Busy : EngineFault.Refused, refused.Message, refused);
        }
    }
}
