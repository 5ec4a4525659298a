namespace FederatedDpLlm.Inference.Engines.Remote;

/// <summary>
/// An engine behind a server. What the server offers is found out when connecting: log-probabilities of a chat's first token score lettered options, likelihoods
/// of texts score options themselves, and without either the answered letter is the vote. Private decoding draws among the public call's top candidates, and
/// needs completions with log-probabilities.
/// </summary>
public sealed class RemoteEngine : IInferenceEngine, IDisposable
{
    private const double CharactersPerToken = 3;

    // No token of a known vocabulary is longer.
    private const int CharactersOfToken = 256;
    private const int AnsweredTokens = 8;
    private readonly EngineEndpoint _endpoint;
    private readonly IEngineDialect _dialect;
    private readonly RemoteEngineOptions _options;

    private RemoteEngine(EngineEndpoint endpoint, IEngineDialect dialect, RemoteEngineOptions options, EngineCapabilities capabilities) =>
        (_endpoint, _dialect, _options, Capabilities) = (endpoint, dialect, options, capabilities);

    public EngineCapabilities Capabilities { get; }

    /// <summary>Asks the server how it is, and what it offers with a few short questions of no content.</summary>
    /// <exception cref="EngineException">The server cannot be reached, is not ready, lacks the model or does not even chat.</exception>
    public static async Task<RemoteEngine> ConnectAsync(RemoteEngineOptions options, TimeProvider clock, CancellationToken cancellationToken)
    {
        var endpoint = new EngineEndpoint(options, clock);
        try
        {
            var dialect = DialectOf(endpoint, options);
            var status = await dialect.StatusAsync(cancellationToken).ConfigureAwait(false);
            var scores = options.Scores ?? await FindScoresAsync(dialect, options, cancellationToken).ConfigureAwait(false);
            var next = await TryAsync(() => dialect.NextAsync("One, two,", [], cancellationToken), []).ConfigureAwait(false);
            var coverage = Math.Min(options.TopCandidates, next.Count);
            var context = options.ContextTokens > 0 && status.ContextTokens > 0 ? Math.Min(options.ContextTokens, status.ContextTokens) : Math.Max(options.ContextTokens, status.ContextTokens);
            return new(endpoint, dialect, options, new EngineCapabilities(options.Model, context, Scores: true, Logits: coverage > 1, coverage)
            {
                ScoreSource = scores,
                Tokenizes = dialect.Tokenizes,
                Adapters = dialect.Adapters,
                Forms = dialect.Forms,
            });
        }
        catch
        {
            endpoint.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    /// <remarks>An estimate of one token per three characters, rounded up, where the context's length is known at all.</remarks>
    public int CountTokens(IReadOnlyList<ChatMessage> messages) =>
        Capabilities.ContextTokens == 0 ? 0 : (int)Math.Ceiling(messages.Sum(message => (double)message.Content.Length) / CharactersPerToken);

    public async Task<IReadOnlyList<IReadOnlyList<OptionScore>>> ScoreAsync(IReadOnlyList<ChatContext> contexts, IReadOnlyList<string> options, CancellationToken cancellationToken)
    {
        // Voters with the same context are asked once.
        var distinct = contexts.Select(context => string.Join('\u001e', context.Records)).ToList();
        var asked = new Dictionary<string, Task<IReadOnlyList<OptionScore>>>(StringComparer.Ordinal);
        foreach (var (context, key) in contexts.Zip(distinct))
        {
            _ = asked.ContainsKey(key) || asked.TryAdd(key, ScoreOneAsync(context, options, cancellationToken));
        }

        var shared = await asked[distinct[0]].ConfigureAwait(false);
        return await Task.WhenAll(distinct.Select(key => OrAsync(asked[key], shared, cancellationToken))).ConfigureAwait(false);
    }

    public async Task<IDecodingBatch> OpenDecodingAsync(IReadOnlyList<ChatContext> contexts, int maxTokens, CancellationToken cancellationToken)
    {
        if (!Capabilities.Logits)
        {
            throw new NotSupportedException(
                $"Private decoding needs log-probabilities, and {_options.Model} gives none with completions: serve it with vLLM, llama.cpp's server or the embedded engine, or ask a question with options.");
        }

        var batch = new RemoteDecodingBatch([.. contexts.Select(RecordPrompt.Text)], _options, _dialect);
        await batch.StepAsync(cancellationToken).ConfigureAwait(false);
        return batch;
    }

    public async IAsyncEnumerable<GeneratedText> GenerateAsync(ChatContext context, GenerationOptions options, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var left = (long)options.MaxTokens * CharactersOfToken;
        await foreach (var piece in _dialect.StreamAsync(RecordPrompt.Messages(context.Messages, context.Records), options, cancellationToken).ConfigureAwait(false))
        {
            left -= piece.Text.Length;
            yield return left >= 0 ? piece : throw new EngineException(EngineFault.Oversized, $"The engine goes on beyond {options.MaxTokens} tokens.");
        }
    }

    public async Task<EngineStatus> StatusAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _dialect.StatusAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (EngineException error)
        {
            return new EngineStatus(Ready: false, _options.Model) { Trouble = error.Message };
        }
    }

    public Task<IReadOnlyList<int>> TokenizeAsync(string text, CancellationToken cancellationToken) => _dialect.TokenizeAsync(text, cancellationToken);

    public Task LoadAdapterAsync(string name, string path, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return _dialect.LoadAdapterAsync(name, path, cancellationToken);
    }

    public void Dispose() => _endpoint.Dispose();

    // Whether a shard's records upset the server (too long, a filter, a crash) is private: once the public context's call came back, such a voter reads what that
    // one read, and nobody sees an error, whatever it is. Only a caller who has left ends the answer.
    internal static async Task<T> OrAsync<T>(Task<T> voter, T shared, CancellationToken cancellationToken)
    {
        try
        {
            return await voter.ConfigureAwait(false);
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            return shared;
        }
    }

    private static IEngineDialect DialectOf(EngineEndpoint endpoint, RemoteEngineOptions options) => options.Kind switch
    {
        EngineKind.Vllm => new VllmDialect(endpoint, options),
        EngineKind.LlamaCpp => new LlamaCppDialect(endpoint, options),
        EngineKind.Ollama => new OllamaDialect(endpoint, options),
        _ => new OpenAiDialect(endpoint, options),
    };

    private Task<IReadOnlyList<OptionScore>> ScoreOneAsync(ChatContext context, IReadOnlyList<string> options, CancellationToken cancellationToken) => Capabilities.ScoreSource switch
    {
        ScoreSource.Likelihoods => ScoreTextsAsync(context, options, cancellationToken),
        _ => ScoreLettersAsync(context, options, cancellationToken),
    };

    private async Task<IReadOnlyList<OptionScore>> ScoreLettersAsync(ChatContext context, IReadOnlyList<string> options, CancellationToken cancellationToken)
    {
        var messages = RecordPrompt.Messages(OptionLetters.Ask(context.Messages, options), context.Records);
        if (Capabilities.ScoreSource == ScoreSource.AnsweredLetter)
        {
            var answer = await _dialect.ChatAsync(messages, AnsweredTokens, 0, cancellationToken).ConfigureAwait(false);
            return OptionLetters.FromAnswer(answer.Text ?? throw EngineJson.Lacks("a message"), options);
        }

        var scored = await _dialect.ChatAsync(messages, 1, _options.TopCandidates, cancellationToken).ConfigureAwait(false);
        return scored.Candidates.Count > 0 ? OptionLetters.FromCandidates(scored.Candidates, options.Count) : throw EngineJson.Lacks("log-probabilities");
    }

    private async Task<IReadOnlyList<OptionScore>> ScoreTextsAsync(ChatContext context, IReadOnlyList<string> options, CancellationToken cancellationToken)
    {
        var prompt = RecordPrompt.Text(context);
        return await Task.WhenAll(options.Select(async option =>
            await _dialect.LikelihoodAsync(prompt, " " + option, cancellationToken).ConfigureAwait(false) ?? throw EngineJson.Lacks("the options' likelihoods"))).ConfigureAwait(false);
    }

    private static async Task<ScoreSource> FindScoresAsync(IEngineDialect dialect, RemoteEngineOptions options, CancellationToken cancellationToken)
    {
        ChatMessage[] probe = [new("user", "Answer with the letter A only.")];
        await dialect.ChatAsync(probe, 1, 0, cancellationToken).ConfigureAwait(false);
        var scored = await TryAsync(() => dialect.ChatAsync(probe, 1, options.TopCandidates, cancellationToken), new ChatReply(null, [])).ConfigureAwait(false);
        if (scored.Candidates.Count > 1)
        {
            return ScoreSource.LetterLogProbabilities;
        }

        var likelihood = await TryAsync(() => dialect.LikelihoodAsync("One, two,", " three", cancellationToken), null).ConfigureAwait(false);
        return likelihood is null ? ScoreSource.AnsweredLetter : ScoreSource.Likelihoods;
    }

    // What a server does not know it refuses or ignores; only a broken connection is a failure.
    private static async Task<T> TryAsync<T>(Func<Task<T>> call, T otherwise)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (EngineException error) when (error.Fault is EngineFault.Refused or EngineFault.Malformed)
        {
            return otherwise;
        }
    }
}
