using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FederatedDpLlm.Inference.Engines.Remote;

// References (Ollama 0.40, docs/openapi.yaml and docs/api.md)
//   GET /api/version, POST /api/show, GET /api/ps; POST /api/chat, a stream of one JSON object a line whose last one says "done", with "format" a JSON schema;
//   POST /api/generate with "raw", and "logprobs" with "top_logprobs".

/// <summary>Ollama's own API. It shows no token numbers, and its adapters are part of a model.</summary>
internal sealed class OllamaDialect(EngineEndpoint endpoint, RemoteEngineOptions options) : IEngineDialect
{
    // Ollama cuts what is longer than its context, and says nothing: so the context is always set, to this where nothing else is known (its own default).
    private const int DefaultContext = 4096;
    private int _context = options.ContextTokens;

    public bool Tokenizes => false;

    public bool Adapters => false;

    public bool Forms => true;

    public async Task<EngineStatus> StatusAsync(CancellationToken cancellationToken)
    {
        await endpoint.GetAsync("api/version", cancellationToken).ConfigureAwait(false);
        var longest = await LongestContextAsync(cancellationToken).ConfigureAwait(false);
        var loaded = (await endpoint.GetAsync("api/ps", cancellationToken).ConfigureAwait(false)).Items("models").FirstOrDefault(model => IsModel(model.Text("name")));
        var wanted = options.ContextTokens > 0 ? options.ContextTokens : loaded.Count("context_length") is > 0 and { } running ? running : DefaultContext;
        _context = longest > 0 ? Math.Min(longest, wanted) : wanted;
        return new EngineStatus(Ready: true, options.Model) { ContextTokens = _context };
    }

    public async Task<ChatReply> ChatAsync(IReadOnlyList<ChatMessage> messages, int maxTokens, int candidates, CancellationToken cancellationToken)
    {
        // A model that thinks first would spend the few tokens on its thoughts.
        var body = Chat(messages, Settings(maxTokens, temperature: 0));
        (body["stream"], body["think"]) = (false, false);
        var reply = await endpoint.PostAsync("api/chat", WithCandidates(body, candidates), cancellationToken).ConfigureAwait(false);
        return new ChatReply((reply.Property("message") ?? throw EngineJson.Lacks("a message")).Text("content"), FirstCandidates(reply));
    }

    public async IAsyncEnumerable<GeneratedText> StreamAsync(IReadOnlyList<ChatMessage> messages, GenerationOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var body = Chat(messages, Shaped(Settings(options.MaxTokens, options.Sampling.Temperature), options));
        if (options.AnswerSchema is { } schema)
        {
            body["format"] = JsonNode.Parse(schema);
        }

        await foreach (var line in endpoint.LinesAsync("api/chat", body, cancellationToken).ConfigureAwait(false))
        {
            if (line.Length == 0)
            {
                continue;
            }

            var piece = EngineJson.Parse(line.AsMemory());
            if (piece.Property("error") is not null)
            {
                throw new EngineException(EngineFault.Refused, "The engine failed in the middle of its answer.");
            }

            if (piece.Property("message")?.Text("content") is { Length: > 0 } text)
            {
                yield return new GeneratedText(text);
            }

            if (piece.IsTrue("done"))
            {
                var usage = piece.Count("eval_count") is { } tokens ? new EngineUsage(piece.Count("prompt_eval_count") ?? 0, tokens) : null;
                yield return new GeneratedText(string.Empty, Tokens: 0, piece.Text("done_reason") == "length" ? FinishReason.Length : FinishReason.Stop) { Usage = usage };
                yield break;
            }
        }

        throw new EngineException(EngineFault.Unreachable, "The engine's stream stopped before its end: the answer is incomplete.");
    }

    public async Task<IReadOnlyList<TokenCandidate>> NextAsync(string prompt, IReadOnlyList<TokenCandidate> answer, CancellationToken cancellationToken)
    {
        var body = new JsonObject
        {
            ["model"] = options.Model,
            ["prompt"] = prompt + string.Concat(answer.Select(token => token.Text)),
            ["raw"] = true,
            ["stream"] = false,
            ["options"] = Settings(maxTokens: 1, temperature: 1),
        };
        return FirstCandidates(await endpoint.PostAsync("api/generate", WithCandidates(body, options.TopCandidates), cancellationToken).ConfigureAwait(false));
    }

    public Task<OptionScore?> LikelihoodAsync(string prompt, string text, CancellationToken cancellationToken) => Task.FromResult<OptionScore?>(null);

    public Task<IReadOnlyList<int>> TokenizeAsync(string text, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Ollama shows no token numbers: serve the model with vLLM, llama.cpp's server or the embedded engine where they are needed.");

    public Task LoadAdapterAsync(string name, string path, CancellationToken cancellationToken) =>
        throw new NotSupportedException($"Ollama takes no adapter while it runs: make a model of its own with 'ollama create {name}' from a Modelfile with FROM {options.Model} and ADAPTER, and name that in 'engine.remote_model'.");

    private static JsonObject WithCandidates(JsonObject body, int candidates)
    {
        if (candidates > 0)
        {
            (body["logprobs"], body["top_logprobs"]) = (true, candidates);
        }

        return body;
    }

    private static IReadOnlyList<TokenCandidate> FirstCandidates(JsonElement reply) =>
        reply.ValueKind == JsonValueKind.Object ? TokenLogProbabilities.Listed(reply.Items("logprobs").FirstOrDefault().Items("top_logprobs")) : throw EngineJson.Lacks("an object");

    private static JsonObject Shaped(JsonObject settings, GenerationOptions options)
    {
        var sampling = options.Sampling;
        if (sampling.LogitBias.Count > 0)
        {
            throw new EngineException(EngineFault.Refused, "Ollama biases no tokens: leave logit_bias out, or serve the model with another engine.");
        }

        (settings["top_p"], settings["top_k"], settings["min_p"]) = (sampling.TopP, sampling.TopK, sampling.MinP);
        (settings["frequency_penalty"], settings["presence_penalty"], settings["repeat_penalty"]) = (sampling.FrequencyPenalty, sampling.PresencePenalty, sampling.RepetitionPenalty);
        if (options.Seed is { } seed)
        {
            settings["seed"] = seed;
        }

        settings["stop"] = new JsonArray([.. options.Stop.Select(stop => (JsonNode)stop)]);
        return settings;
    }

    private JsonObject Chat(IReadOnlyList<ChatMessage> messages, JsonObject settings) => new() { ["model"] = options.Model, ["messages"] = ChatJson.Messages(messages), ["options"] = settings };

    private JsonObject Settings(int maxTokens, double temperature)
    {
        var settings = new JsonObject { ["num_predict"] = maxTokens, ["temperature"] = temperature };
        if (_context > 0)
        {
            settings["num_ctx"] = _context;
        }

        return settings;
    }

    // A name without a tag means the tag "latest".
    private bool IsModel(string? name) => name == options.Model || name == options.Model + ":latest";

    private async Task<int> LongestContextAsync(CancellationToken cancellationToken)
    {
        try
        {
            var shown = await endpoint.LookUpAsync("api/show", new JsonObject { ["model"] = options.Model }, cancellationToken).ConfigureAwait(false);
            var information = shown.Property("model_info")?.Members() ?? [];
            return information.Where(entry => entry.Name.EndsWith(".context_length", StringComparison.Ordinal)).Select(entry => entry.Value.AsCount() ?? 0).FirstOrDefault();
        }
        catch (EngineException error) when (error.Status == 404)
        {
            throw new EngineException(EngineFault.ModelMissing, $"Ollama has no model '{options.Model}': get it with 'ollama pull {options.Model}', or name another in 'engine.remote_model'.", error);
        }
    }
}
