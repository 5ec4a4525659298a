using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FederatedDpLlm.Inference.Engines.OpenAi;

// References
//   vLLM 0.28, OpenAI-compatible server (completions with echo and logprobs; top_k and min_p as extra fields); llama.cpp server README, version 0.5.0
//   (completions with logprobs in chat form); Ollama 0.40, OpenAI compatibility (chat completions with logprobs).

/// <summary>
/// An engine behind an OpenAI-compatible endpoint. What the endpoint offers is found out when connecting: log-probabilities of a chat's first token score lettered
/// options, echoed prompts score options by likelihood, and without either the answered letter is the vote. Private decoding draws among the public call's top
/// candidates, and needs completions with log-probabilities.
/// </summary>
public sealed class OpenAiCompatibleEngine : IInferenceEngine, IDisposable
{
    private const double CharactersPerToken = 3;
    private readonly OpenAiEndpoint _endpoint;
    private readonly OpenAiEngineOptions _options;

    private OpenAiCompatibleEngine(OpenAiEndpoint endpoint, OpenAiEngineOptions options, EngineCapabilities capabilities) =>
        (_endpoint, _options, Capabilities) = (endpoint, options, capabilities);

    public EngineCapabilities Capabilities { get; }

    /// <summary>Asks the endpoint what it offers with a few short questions of no content.</summary>
    /// <exception cref="EngineException">The endpoint cannot be reached or does not even chat.</exception>
    public static async Task<OpenAiCompatibleEngine> ConnectAsync(OpenAiEngineOptions options, TimeProvider clock, CancellationToken cancellationToken)
    {
        var endpoint = new OpenAiEndpoint(options, clock);
        try
        {
            var scores = options.Scores ?? await FindScoresAsync(endpoint, options, cancellationToken).ConfigureAwait(false);
            var completes = TokenLogProbabilities.FirstCandidates(await TryAsync(endpoint, "completions", Completion(options, "One, two,", options.TopCandidates), cancellationToken).ConfigureAwait(false));
            var coverage = Math.Min(options.TopCandidates, completes?.Count ?? 0);
            return new(endpoint, options, new EngineCapabilities(options.Model, options.ContextTokens, Scores: true, Logits: coverage > 1, coverage) { ScoreSource = scores });
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
        _options.ContextTokens == 0 ? 0 : (int)Math.Ceiling(messages.Sum(message => (double)message.Content.Length) / CharactersPerToken);

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
        return await Task.WhenAll(distinct.Select(key => OrAsync(asked[key], shared))).ConfigureAwait(false);
    }

    public async Task<IDecodingBatch> OpenDecodingAsync(IReadOnlyList<ChatContext> contexts, int maxTokens, CancellationToken cancellationToken)
    {
        if (!Capabilities.Logits)
        {
            throw new NotSupportedException(
                $"Private decoding needs log-probabilities, and {_options.Model} gives none with completions: serve it with vLLM, llama.cpp's server or the embedded engine, or ask a question with options.");
        }

        var batch = new OpenAiDecodingBatch([.. contexts.Select(OpenAiPrompt.Text)], _options, CandidatesAsync);
        await batch.StepAsync(cancellationToken).ConfigureAwait(false);
        return batch;
    }

    public async IAsyncEnumerable<GeneratedText> GenerateAsync(ChatContext context, GenerationOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var body = Chat(_options, OpenAiPrompt.Messages(context.Messages, context.Records), options.MaxTokens, options.Sampling.Temperature);
        body["stream"] = true;
        Shape(body, options);
        await foreach (var piece in _endpoint.StreamAsync("chat/completions", body, cancellationToken).ConfigureAwait(false))
        {
            if (TokenLogProbabilities.FirstChoice(piece) is not { } choice)
            {
                continue;
            }

            if (choice.TryGetProperty("delta", out var delta) && delta.ValueKind == JsonValueKind.Object
                && delta.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String && content.GetString() is { Length: > 0 } text)
            {
                yield return new GeneratedText(text);
            }

            if (choice.TryGetProperty("finish_reason", out var finish) && finish.ValueKind == JsonValueKind.String)
            {
                yield return new GeneratedText(string.Empty, Tokens: 0, finish.ValueEquals("length") ? FinishReason.Length : FinishReason.Stop);
            }
        }
    }

    public void Dispose() => _endpoint.Dispose();

    // Whether a shard's records upset the endpoint (too long, a filter) is private: such a voter reads what the public context reads, and nobody sees an error.
    internal static async Task<T> OrAsync<T>(Task<T> voter, T shared)
    {
        try
        {
            return await voter.ConfigureAwait(false);
        }
        catch (EngineException error) when (error.Fault is EngineFault.Refused or EngineFault.Malformed)
        {
            return shared;
        }
    }

    private Task<IReadOnlyList<OptionScore>> ScoreOneAsync(ChatContext context, IReadOnlyList<string> options, CancellationToken cancellationToken) => Capabilities.ScoreSource switch
    {
        ScoreSource.Likelihoods => ScoreByEchoAsync(context, options, cancellationToken),
        _ => ScoreByLetterAsync(context, options, cancellationToken),
    };

    private async Task<IReadOnlyList<OptionScore>> ScoreByLetterAsync(ChatContext context, IReadOnlyList<string> options, CancellationToken cancellationToken)
    {
        var messages = OpenAiPrompt.Messages(OptionLetters.Ask(context.Messages, options), context.Records);
        if (Capabilities.ScoreSource == ScoreSource.AnsweredLetter)
        {
            var answer = await _endpoint.PostAsync("chat/completions", Chat(_options, messages, 8, 0), cancellationToken).ConfigureAwait(false);
            return OptionLetters.FromAnswer(ContentOf(answer), options);
        }

        var scored = await _endpoint.PostAsync("chat/completions", WithLogProbabilities(Chat(_options, messages, 1, 0), _options), cancellationToken).ConfigureAwait(false);
        return OptionLetters.FromCandidates(TokenLogProbabilities.FirstCandidates(scored) ?? throw Malformed("log-probabilities"), options.Count);
    }

    private async Task<IReadOnlyList<OptionScore>> ScoreByEchoAsync(ChatContext context, IReadOnlyList<string> options, CancellationToken cancellationToken)
    {
        var prompt = OpenAiPrompt.Text(context);
        return await Task.WhenAll(options.Select(async option =>
        {
            var whole = $"{prompt} {option}";
            var answer = await _endpoint.PostAsync("completions", Echo(_options, whole), cancellationToken).ConfigureAwait(false);
            return TokenLogProbabilities.Echoed(answer, prompt.Length, whole.Length) ?? throw Malformed("the echoed prompt");
        })).ConfigureAwait(false);
    }

    private async Task<Dictionary<string, double>> CandidatesAsync(string prompt, CancellationToken cancellationToken)
    {
        var answer = await _endpoint.PostAsync("completions", Completion(_options, prompt, _options.TopCandidates), cancellationToken).ConfigureAwait(false);
        return TokenLogProbabilities.FirstCandidates(answer) ?? throw Malformed("log-probabilities");
    }

    private static async Task<ScoreSource> FindScoresAsync(OpenAiEndpoint endpoint, OpenAiEngineOptions options, CancellationToken cancellationToken)
    {
        var chat = Chat(options, OpenAiPrompt.Messages([new ChatMessage("user", "Answer with the letter A only.")], []), 1, 0);
        var answer = await endpoint.PostAsync("chat/completions", chat, cancellationToken).ConfigureAwait(false);
        _ = TokenLogProbabilities.FirstChoice(answer) ?? throw Malformed("a choice");
        if (TokenLogProbabilities.FirstCandidates(await TryAsync(endpoint, "chat/completions", WithLogProbabilities(chat, options), cancellationToken).ConfigureAwait(false)) is { Count: > 1 })
        {
            return ScoreSource.LetterLogProbabilities;
        }

        const string probe = "One, two, three";
        var echoed = TokenLogProbabilities.Echoed(await TryAsync(endpoint, "completions", Echo(options, probe), cancellationToken).ConfigureAwait(false), 3, probe.Length);
        return echoed is null ? ScoreSource.AnsweredLetter : ScoreSource.Likelihoods;
    }

    // What an endpoint does not know it refuses or ignores; only a broken connection is a failure.
    private static async Task<JsonElement> TryAsync(OpenAiEndpoint endpoint, string path, JsonObject body, CancellationToken cancellationToken)
    {
        try
        {
            return await endpoint.PostAsync(path, body, cancellationToken).ConfigureAwait(false);
        }
        catch (EngineException error) when (error.Fault is EngineFault.Refused or EngineFault.Malformed)
        {
            return default;
        }
    }

    private static JsonObject Chat(OpenAiEngineOptions options, JsonArray messages, int maxTokens, double temperature) =>
        new() { ["model"] = options.Model, ["messages"] = messages, ["max_tokens"] = maxTokens, ["temperature"] = temperature };

    private static JsonObject WithLogProbabilities(JsonObject chat, OpenAiEngineOptions options)
    {
        var copy = (JsonObject)chat.DeepClone();
        copy["logprobs"] = true;
        copy["top_logprobs"] = options.TopCandidates;
        return copy;
    }

    private static JsonObject Completion(OpenAiEngineOptions options, string prompt, int candidates) =>
        new() { ["model"] = options.Model, ["prompt"] = prompt, ["max_tokens"] = 1, ["temperature"] = 1, ["logprobs"] = candidates };

    private static JsonObject Echo(OpenAiEngineOptions options, string prompt)
    {
        var body = Completion(options, prompt, 1);
        body["echo"] = true;
        return body;
    }

    // top_k and min_p are extra fields, sent only where asked for: a stricter endpoint then says so itself.
    private static void Shape(JsonObject body, GenerationOptions options)
    {
        var sampling = options.Sampling;
        Set("top_p", sampling.TopP, 1);
        Set("top_k", sampling.TopK, 0);
        Set("min_p", sampling.MinP, 0);
        Set("frequency_penalty", sampling.FrequencyPenalty, 0);
        Set("presence_penalty", sampling.PresencePenalty, 0);
        if (options.Stop.Count > 0)
        {
            body["stop"] = new JsonArray([.. options.Stop.Select(stop => (JsonNode)stop)]);
        }

        if (sampling.LogitBias.Count > 0)
        {
            body["logit_bias"] = new JsonObject(sampling.LogitBias.Select(bias => KeyValuePair.Create(bias.Key.ToString(System.Globalization.CultureInfo.InvariantCulture), (JsonNode?)bias.Value)));
        }

        void Set(string name, double value, double without)
        {
            if (value != without)
            {
                body[name] = name == "top_k" ? (int)value : value;
            }
        }
    }

    private static string ContentOf(JsonElement answer) =>
        TokenLogProbabilities.FirstChoice(answer) is { } choice && choice.TryGetProperty("message", out var message) && message.ValueKind == JsonValueKind.Object
        && message.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String ? content.GetString()! : throw Malformed("a message");

    private static EngineException Malformed(string missing) => new(EngineFault.Malformed, $"The engine's answer lacks {missing}.");
}
