using System.Text.Json;
using System.Text.Json.Nodes;

namespace FederatedDpLlm.Inference.Engines.Remote;

// References (vLLM 0.28)
//   docs/serving/online_serving: /health, /v1/models with max_model_len, /tokenize; docs/usage/metrics.md: vllm:num_requests_running, _waiting;
//   docs/features/lora.md: /v1/load_lora_adapter and /v1/unload_lora_adapter, off unless VLLM_ALLOW_RUNTIME_LORA_UPDATING is set;
//   docs/features/structured_outputs.md: response_format of type json_schema.

/// <summary>vLLM beyond OpenAI's API.</summary>
internal sealed class VllmDialect(EngineEndpoint endpoint, RemoteEngineOptions options) : OpenAiDialect(endpoint, options, "v1/")
{
    public override bool Tokenizes => true;

    public override bool Adapters => true;

    public override bool Forms => true;

    public override async Task<EngineStatus> StatusAsync(CancellationToken cancellationToken)
    {
        await Endpoint.GetTextAsync("health", cancellationToken).ConfigureAwait(false);
        var models = await ModelsAsync(cancellationToken).ConfigureAwait(false);
        var model = models.FirstOrDefault(model => model.Text("id") == Model);
        if (model.ValueKind != JsonValueKind.Object)
        {
            throw new EngineException(EngineFault.ModelMissing, $"vLLM does not serve '{Model}' (it serves {string.Join(", ", models.Take(8).Select(served => $"'{served.Text("id")}'"))}): name one of these in 'engine.remote_model'.");
        }

        var metrics = await Endpoint.GetTextAsync("metrics", cancellationToken).ConfigureAwait(false);
        return new EngineStatus(Ready: true, Model)
        {
            ContextTokens = model.Count("max_model_len") ?? 0,
            Running = PrometheusGauge.Sum(metrics, "vllm:num_requests_running"),
            Waiting = PrometheusGauge.Sum(metrics, "vllm:num_requests_waiting"),
        };
    }

    public override async Task<IReadOnlyList<int>> TokenizeAsync(string text, CancellationToken cancellationToken)
    {
        var reply = await Endpoint.LookUpAsync("tokenize", new JsonObject { ["model"] = Model, ["prompt"] = text, ["add_special_tokens"] = false }, cancellationToken).ConfigureAwait(false);
        var tokens = TokenNumbers.Read(reply, vocabulary: int.MaxValue);
        return reply.Count("count") == tokens.Count ? tokens : throw EngineJson.Lacks("the tokens that it counts");
    }

    public override async Task LoadAdapterAsync(string name, string path, CancellationToken cancellationToken)
    {
        try
        {
            // An older adapter of that name would stay on: vLLM refuses to load one twice.
            if ((await ModelsAsync(cancellationToken).ConfigureAwait(false)).Exists(model => model.Text("id") == name))
            {
                await Endpoint.ChangeAsync("v1/unload_lora_adapter", new JsonObject { ["lora_name"] = name }, cancellationToken).ConfigureAwait(false);
            }

            await Endpoint.ChangeAsync("v1/load_lora_adapter", new JsonObject { ["lora_name"] = name, ["lora_path"] = path }, cancellationToken).ConfigureAwait(false);
        }
        catch (EngineException error) when (error.Fault == EngineFault.Refused)
        {
            throw new EngineException(
                EngineFault.Refused,
                $"vLLM refused the adapter '{name}' (status {error.Status}): start it with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True on a port that nobody else reaches, and give a folder that it can read.",
                error)
            { Status = error.Status };
        }

        Model = name;
    }

    private async Task<List<JsonElement>> ModelsAsync(CancellationToken cancellationToken) => [.. (await Endpoint.GetAsync("v1/models", cancellationToken).ConfigureAwait(false)).Items("data")];
}
