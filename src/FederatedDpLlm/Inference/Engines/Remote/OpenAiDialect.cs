using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FederatedDpLlm.Inference.Engines.Remote;

// References
//   OpenAI API reference, chat completions (logprobs, stream_options) and completions (echo, logprobs).
//   vLLM 0.28, OpenAI-compatible server: top_k, min_p and repetition_penalty as extra fields.

/// <summary>OpenAI's API, as many servers offer it. <paramref name="version"/> is its folder below the endpoint's root.</summary>
internal class OpenAiDialect(EngineEndpoint endpoint, RemoteEngineOptions options, string version = "") : IEngineDialect
{
    private const string Data = "data:";
    private volatile string _model = options.Model;

    public virtual bool Tokenizes => false;

    public virtual bool Adapters => false;

    // A server of unknown kind may overlook the field.
    public virtual bool Forms => false;

    protected EngineEndpoint Endpoint => endpoint;

    protected RemoteEngineOptions Options => options;

    /// <summary>What calls ask for: the model, or an adapter over it.</summary>
    protected string Model
    {
        get => _model;
        set => _model = value;
    }

    /// <inheritdoc/>
    /// <remarks>The API knows no health. A server that answers at all, and be it that it has no list of models, is ready.</remarks>
    public virtual async Task<EngineStatus> StatusAsync(CancellationToken cancellationToken)
    {
        try
        {
            await endpoint.GetAsync(version + "models", cancellationToken).ConfigureAwait(false);
        }
        catch (EngineException error) when (error is { Fault: EngineFault.Refused, Status: < 500 } or { Fault: EngineFault.Malformed })
        {
            // It has none, or shows it to others only: chatting will tell.
        }

        return new EngineStatus(Ready: true, Model) { ContextTokens = options.ContextTokens };
    }

    public async Task<ChatReply> ChatAsync(IReadOnlyList<ChatMessage> messages, int maxTokens, int candidates, CancellationToken cancellationToken)
    {
        var body = Chat(messages, maxTokens, temperature: 0);
        if (candidates > 0)
        {
            body["logprobs"] = true;
            body["top_logprobs"] = candidates;
        }

        var choice = FirstChoice(await endpoint.PostAsync(version + "chat/completions", body, cancellationToken).ConfigureAwait(false)) ?? throw EngineJson.Lacks("a choice");
        return new ChatReply(choice.Property("message")?.Text("content"), FirstCandidates(choice));
    }

    public async IAsyncEnumerable<GeneratedText> StreamAsync(IReadOnlyList<ChatMessage> messages, GenerationOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var body = Chat(messages, options.MaxTokens, options.Sampling.Temperature);
        body["stream"] = true;
        body["stream_options"] = new JsonObject { ["include_usage"] = true };
        Shape(body, options);
        var (finish, usage) = ((FinishReason?)null, (EngineUsage?)null);
        await foreach (var line in endpoint.LinesAsync(version + "chat/completions", body, cancellationToken).ConfigureAwait(false))
        {
            if (line is "data: [DONE]" or "data:[DONE]")
            {
                yield return new GeneratedText(string.Empty, Tokens: 0, finish ?? FinishReason.Stop) { Usage = usage };
                yield break;
            }

            if (EventOf(line) is not { } piece)
            {
                continue;
            }

            usage = UsageOf(piece) ?? usage;
            var choice = FirstChoice(piece);
            finish = choice?.Text("finish_reason") is { } reason ? (reason == "length" ? FinishReason.Length : FinishReason.Stop) : finish;
            if (choice?.Property("delta")?.Text("content") is { Length: > 0 } text)
            {
                yield return new GeneratedText(text);
            }
        }

        throw new EngineException(EngineFault.Unreachable, "The engine's stream stopped before its end: the answer is incomplete.");
    }

    public virtual async Task<IReadOnlyList<TokenCandidate>> NextAsync(string prompt, IReadOnlyList<TokenCandidate> answer, CancellationToken cancellationToken)
    {
        var body = Completion(prompt + string.Concat(answer.Select(token => token.Text)), options.TopCandidates);
        var reply = await endpoint.PostAsync(version + "completions", body, cancellationToken).ConfigureAwait(false);
        return FirstChoice(reply) is { } choice ? FirstCandidates(choice) : throw EngineJson.Lacks("a choice");
    }

    public virtual async Task<OptionScore?> LikelihoodAsync(string prompt, string text, CancellationToken cancellationToken)
    {
        var whole = prompt + text;
        var body = Completion(whole, candidates: 1);
        body["echo"] = true;
        var reply = await endpoint.PostAsync(version + "completions", body, cancellationToken).ConfigureAwait(false);
        return FirstChoice(reply)?.Property("logprobs") is { } probabilities ? TokenLogProbabilities.Echoed(probabilities, prompt.Length, whole.Length) : null;
    }

    public virtual Task<IReadOnlyList<int>> TokenizeAsync(string text, CancellationToken cancellationToken) =>
        throw new NotSupportedException("OpenAI's API shows no token numbers: set 'engine.kind' to vllm or llama.cpp where the server is one of them.");

    public virtual Task LoadAdapterAsync(string name, string path, CancellationToken cancellationToken) =>
        throw new NotSupportedException("OpenAI's API takes no adapter: set 'engine.kind' to vllm or llama.cpp where the server is one of them, or serve the adapted model under a name of its own.");

    private static JsonElement? FirstChoice(JsonElement answer) => answer.Items("choices").Select(choice => (JsonElement?)choice).FirstOrDefault() is { ValueKind: JsonValueKind.Object } choice ? choice : null;

    private static IReadOnlyList<TokenCandidate> FirstCandidates(JsonElement choice)
    {
        if (choice.Property("logprobs") is not { } probabilities)
        {
            return [];
        }

        // {"content": [{"top_logprobs": [{"token", "logprob"}]}]}: chat completions everywhere, and llama.cpp's completions too.
        if (probabilities.Items("content").FirstOrDefault().Property("top_logprobs") is { } list)
        {
            return TokenLogProbabilities.Listed(list.AsItems());
        }

        // {"top_logprobs": [{"text": logprob}]}: vLLM's completions.
        return probabilities.Items("top_logprobs").FirstOrDefault() is { ValueKind: JsonValueKind.Object } map ? TokenLogProbabilities.Mapped(map) : [];
    }

    private static EngineUsage? UsageOf(JsonElement piece) =>
        piece.Property("usage") is { } usage && usage.Count("prompt_tokens") is { } prompt ? new EngineUsage(prompt, usage.Count("completion_tokens") ?? 0) : null;

    // An engine that fails while it streams has sent its status long before, so it says so in an event: {"error": ...} as data, or a field of that name.
    private static JsonElement? EventOf(string line)
    {
        var piece = line.StartsWith(Data, StringComparison.Ordinal) ? EngineJson.Parse(line.AsMemory(Data.Length)) : (JsonElement?)null;
        return line.StartsWith("error:", StringComparison.Ordinal) || piece?.Property("error") is not null
            ? throw new EngineException(EngineFault.Refused, "The engine failed in the middle of its answer.")
            : piece;
    }

    // Fields beyond OpenAI's are sent only where asked for: a stricter server then says so itself.
    private static void Shape(JsonObject body, GenerationOptions options)
    {
        var sampling = options.Sampling;
        Set("top_p", sampling.TopP, 1);
        Set("min_p", sampling.MinP, 0);
        Set("frequency_penalty", sampling.FrequencyPenalty, 0);
        Set("presence_penalty", sampling.PresencePenalty, 0);
        Set("repetition_penalty", sampling.RepetitionPenalty, 1);
        if (sampling.TopK > 0)
        {
            body["top_k"] = sampling.TopK;
        }

        if (options.Seed is { } seed)
        {
            body["seed"] = seed;
        }

        if (options.AnswerSchema is { } schema)
        {
            body["response_format"] = new JsonObject
            {
                ["type"] = "json_schema",
                ["json_schema"] = new JsonObject { ["name"] = "answer", ["strict"] = true, ["schema"] = JsonNode.Parse(schema) },
            };
        }

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
                body[name] = value;
            }
        }
    }

    private JsonObject Chat(IReadOnlyList<ChatMessage> messages, int maxTokens, double temperature) =>
        new() { ["model"] = Model, ["messages"] = ChatJson.Messages(messages), ["max_tokens"] = maxTokens, ["temperature"] = temperature };

    private JsonObject Completion(string prompt, int candidates) =>
        new() { ["model"] = Model, ["prompt"] = prompt, ["max_tokens"] = 1, ["temperature"] = 1, ["logprobs"] = candidates };
}
