using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace FederatedDpLlm.Tests.Inference.Engines.Exchanges;

/// <summary>
/// Written after vLLM 0.28's documentation, not recorded: docs/serving/online_serving (health, models with max_model_len, tokenize; completions' top_logprobs map
/// texts to numbers), docs/usage/metrics.md, docs/features/lora.md.
/// </summary>
internal sealed class VllmExchanges : OpenAiExchanges
{
    private readonly Dictionary<string, string> _adapters = new(StringComparer.Ordinal);

    /// <summary>Whether VLLM_ALLOW_RUNTIME_LORA_UPDATING is set.</summary>
    public bool AdaptersMayChange { get; init; } = true;

    protected override Task AnswerAsync(HttpContext context, string path, JsonNode? body) => path switch
    {
        "/health" => Task.CompletedTask,
        "/v1/models" => JsonAsync(context, new JsonObject { ["object"] = "list", ["data"] = new JsonArray([Model("m"), .. _adapters.Keys.Select(Model)]) }),
        "/metrics" => context.Response.WriteAsync(
            "# HELP vllm:num_requests_running Number of requests in model execution batches.\n# TYPE vllm:num_requests_running gauge\n"
            + "vllm:num_requests_running{engine=\"0\",model_name=\"m\"} 2.0\nvllm:num_requests_running{engine=\"1\",model_name=\"m\"} 1.0\n"
            + "vllm:num_requests_waiting{engine=\"0\",model_name=\"m\"} 4.0\nvllm:num_requests_waiting_by_reason{reason=\"capacity\"} 9.0\n"),
        "/tokenize" => TokenizeAsync(context, (string)body!["prompt"]!),
        "/v1/load_lora_adapter" when AdaptersMayChange => LoadAsync(context, (string)body!["lora_name"]!, (string)body["lora_path"]!),
        "/v1/unload_lora_adapter" when AdaptersMayChange => UnloadAsync(context, (string)body!["lora_name"]!),
        _ => base.AnswerAsync(context, path, body),
    };

    protected override JsonObject Model(string name)
    {
        var model = base.Model(name);
        (model["owned_by"], model["root"], model["parent"], model["max_model_len"]) = ("vllm", name, name == "m" ? null : "m", PretendModel.ContextTokens);
        return model;
    }

    protected override JsonObject NextTokens(string prompt) => new()
    {
        ["top_logprobs"] = new JsonArray(new JsonObject(PretendModel.Next(prompt).Select(token => KeyValuePair.Create(
            token.Text switch { "" => "</s>", "\uFFFD" => "bytes:\\xc3", _ => token.Text }, (JsonNode?)token.LogProbability)))),
    };

    private static Task TokenizeAsync(HttpContext context, string text)
    {
        var tokens = text.Select(character => PretendModel.NumberOf(character.ToString())).ToList();
        return JsonAsync(context, new JsonObject { ["count"] = tokens.Count, ["max_model_len"] = PretendModel.ContextTokens, ["tokens"] = new JsonArray([.. tokens.Select(token => (JsonNode)token)]), ["token_strs"] = null });
    }

    private Task LoadAsync(HttpContext context, string name, string path) => _adapters.TryAdd(name, path)
        ? context.Response.WriteAsync($"Success: LoRA adapter '{name}' added successfully.")
        : RefuseAsync(context, 400, $"The lora adapter '{name}' has already been loaded.");

    private Task UnloadAsync(HttpContext context, string name) => _adapters.Remove(name)
        ? context.Response.WriteAsync($"Success: LoRA adapter '{name}' removed successfully.")
        : RefuseAsync(context, 404, $"The lora adapter '{name}' cannot be found.");
}
