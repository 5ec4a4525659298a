using System.Text.Json;
using System.Text.Json.Nodes;

namespace FederatedDpLlm.Inference.Engines.Remote;

// References (llama.cpp 0.5.0, tools/server/README.md)
//   GET /health, /props, /slots, /v1/models; POST /tokenize; POST /completion with n_probs, whose prompt may mix text and token numbers;
//   GET and POST /lora-adapters: scales of the adapters named with --lora at the start;
//   response_format of POST /v1/chat/completions.

/// <summary>llama.cpp's server beyond OpenAI's chat. Tokens have their numbers in the vocabulary, so what was chosen goes back as it was, parts of characters too.</summary>
internal sealed class LlamaCppDialect(EngineEndpoint endpoint, RemoteEngineOptions options) : OpenAiDialect(endpoint, options, "v1/")
{
    // Candidates asked for where one token's likelihood is wanted: an answer of some 100 KB. A token that is not among them counts as the last one.
    private const int ScoredCandidates = 1024;

    // Of the model; written once when its list of models is first read.
    private int _vocabulary = int.MaxValue;

    public override bool Tokenizes => true;

    public override bool Adapters => true;

    public override bool Forms => true;

    public override async Task<EngineStatus> StatusAsync(CancellationToken cancellationToken)
    {
        await HealthAsync(cancellationToken).ConfigureAwait(false);
        var properties = await Endpoint.GetAsync("props", cancellationToken).ConfigureAwait(false);
        var models = await Endpoint.GetAsync("v1/models", cancellationToken).ConfigureAwait(false);
        _vocabulary = models.Items("data").FirstOrDefault().Property("meta")?.Count("n_vocab") is > 0 and { } count ? count : _vocabulary;
        return new EngineStatus(Ready: true, properties.Text("model_alias") ?? FileName(properties.Text("model_path")) ?? Model)
        {
            ContextTokens = properties.Property("default_generation_settings")?.Count("n_ctx") ?? 0,
            Slots = properties.Count("total_slots"),
            Running = await RunningAsync(cancellationToken).ConfigureAwait(false),
        };
    }

    public override Task<IReadOnlyList<TokenCandidate>> NextAsync(string prompt, IReadOnlyList<TokenCandidate> answer, CancellationToken cancellationToken) =>
        NextAsync(prompt, [.. answer.Select(token => token.Id!.Value)], Options.TopCandidates, cancellationToken);

    public override async Task<OptionScore?> LikelihoodAsync(string prompt, string text, CancellationToken cancellationToken)
    {
        var tokens = await TokenizeAsync(text, cancellationToken).ConfigureAwait(false);
        var sum = 0.0;
        for (var i = 0; i < tokens.Count; i++)
        {
            var candidates = await NextAsync(prompt, tokens.Take(i), ScoredCandidates, cancellationToken).ConfigureAwait(false);
            var listed = candidates.FirstOrDefault(candidate => candidate.Id == tokens[i]) ?? candidates.MinBy(candidate => candidate.LogProbability);
            sum += listed?.LogProbability ?? throw EngineJson.Lacks("log-probabilities");
        }

        return tokens.Count == 0 ? null : new OptionScore(sum, tokens.Count);
    }

    public override async Task<IReadOnlyList<int>> TokenizeAsync(string text, CancellationToken cancellationToken)
    {
        var body = new JsonObject { ["content"] = text, ["add_special"] = false, ["parse_special"] = false };
        return TokenNumbers.Read(await Endpoint.LookUpAsync("tokenize", body, cancellationToken).ConfigureAwait(false), _vocabulary);
    }

    public override async Task LoadAdapterAsync(string name, string path, CancellationToken cancellationToken)
    {
        var adapters = await Endpoint.GetAsync("lora-adapters", cancellationToken).ConfigureAwait(false);
        var adapter = adapters.AsItems().FirstOrDefault(adapter => adapter.Text("path") is { } loaded && (loaded == path || FileName(loaded) == FileName(path)));
        if (adapter.Count("id") is not { } id)
        {
            throw new EngineException(EngineFault.ModelMissing, $"llama.cpp's server has no adapter '{name}' to put on: it loads adapters when it starts, so start it with --lora and the adapter's GGUF file.");
        }

        // Adapters that the list leaves out are taken off.
        await Endpoint.ChangeAsync("lora-adapters", new JsonArray(new JsonObject { ["id"] = id, ["scale"] = 1.0 }), cancellationToken).ConfigureAwait(false);
    }

    private static string? FileName(string? path) => path?.Split('/', '\\')[^1];

    private async Task<IReadOnlyList<TokenCandidate>> NextAsync(string prompt, IEnumerable<int> answer, int candidates, CancellationToken cancellationToken)
    {
        // Below 0 the candidates' probabilities are the softmax of the logits, whatever samplers the server is set to.
        var body = new JsonObject
        {
            ["prompt"] = new JsonArray([prompt, .. answer.Select(token => (JsonNode)token)]),
            ["n_predict"] = 1,
            ["n_probs"] = candidates,
            ["temperature"] = -1,
        };
        var reply = await Endpoint.PostAsync("completion", body, cancellationToken).ConfigureAwait(false);
        var next = (reply.Property("completion_probabilities") ?? reply.Property("probs") ?? throw EngineJson.Lacks("log-probabilities")).AsItems().FirstOrDefault();
        var listed = TokenLogProbabilities.Listed(next.Items("top_logprobs"));
        return [.. listed.Select(candidate => candidate with { Id = TokenNumbers.Checked(candidate.Id, _vocabulary) })];
    }

    private async Task HealthAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Endpoint.GetAsync("health", cancellationToken).ConfigureAwait(false);
        }
        catch (EngineException error) when (error.Status == 503)
        {
            throw new EngineException(EngineFault.Refused, "llama.cpp's server is still loading its model: ask again later.", error) { Status = error.Status };
        }
    }

    private async Task<int?> RunningAsync(CancellationToken cancellationToken)
    {
        try
        {
            return (await Endpoint.GetAsync("slots", cancellationToken).ConfigureAwait(false)).AsItems().Count(slot => slot.IsTrue("is_processing"));
        }
        catch (EngineException error) when (error.Fault == EngineFault.Refused)
        {
            // Started with --no-slots.
            return null;
        }
    }
}
