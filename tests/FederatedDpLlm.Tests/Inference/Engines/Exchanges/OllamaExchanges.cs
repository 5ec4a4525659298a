using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace FederatedDpLlm.Tests.Inference.Engines.Exchanges;

/// <summary>
/// Written after Ollama 0.40's docs/openapi.yaml and docs/api.md, not recorded: version, show, ps, chat (a JSON object a line), generate with raw; log-probabilities
/// where the version has them.
/// </summary>
internal sealed class OllamaExchanges : ExchangeServer
{
    public bool LogProbabilities { get; init; } = true;

    protected override Task AnswerAsync(HttpContext context, string path, JsonNode? body) => path switch
    {
        "/api/version" => JsonAsync(context, new JsonObject { ["version"] = "0.40.0" }),
        "/api/show" when (string)body!["model"]! == "m" => JsonAsync(context, new JsonObject
        {
            ["details"] = new JsonObject { ["family"] = "llama" },
            ["model_info"] = new JsonObject { ["general.architecture"] = "llama", ["llama.context_length"] = 131072, ["llama.block_count"] = 16 },
            ["capabilities"] = new JsonArray("completion"),
        }),
        "/api/show" => OllamaErrorAsync(context, 404, "model not found"),
        "/api/ps" => JsonAsync(context, new JsonObject { ["models"] = new JsonArray(new JsonObject { ["name"] = "m:latest", ["model"] = "m:latest", ["context_length"] = PretendModel.ContextTokens }) }),
        "/api/chat" => body!["stream"]?.GetValue<bool>() == false ? ChatAsync(context, body) : StreamAsync(context),
        "/api/generate" => GenerateAsync(context, body!),
        _ => OllamaErrorAsync(context, 404, "not found"),
    };

    private static Task OllamaErrorAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        return JsonAsync(context, new JsonObject { ["error"] = message });
    }

    private static async Task StreamAsync(HttpContext context)
    {
        context.Response.ContentType = "application/x-ndjson";
        foreach (var piece in PretendModel.Saying)
        {
            await context.Response.WriteAsync(new JsonObject { ["model"] = "m", ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = piece }, ["done"] = false }.ToJsonString() + "\n");
        }

        await context.Response.WriteAsync("{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":11,\"eval_count\":3}\n");
    }

    private Task ChatAsync(HttpContext context, JsonNode body)
    {
        var letter = PretendModel.Letter([.. body["messages"]!.AsArray().Select(message => ((string)message!["role"]!, (string)message["content"]!))]);
        var answer = new JsonObject { ["model"] = "m", ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = $" ({letter})." }, ["done"] = true, ["done_reason"] = "stop", ["eval_count"] = 4 };
        return JsonAsync(context, WithLogProbabilities(answer, body, [(letter, -0.2), (" " + letter, -3), ("The", -4)]));
    }

    private Task GenerateAsync(HttpContext context, JsonNode body) =>
        JsonAsync(context, WithLogProbabilities(new JsonObject { ["model"] = "m", ["response"] = "x", ["done"] = true, ["done_reason"] = "length" }, body, PretendModel.Next((string)body["prompt"]!)));

    private JsonObject WithLogProbabilities(JsonObject answer, JsonNode body, IReadOnlyList<(string Text, double LogProbability)> tokens)
    {
        if (LogProbabilities && body["logprobs"]?.GetValue<bool>() == true)
        {
            answer["logprobs"] = new JsonArray(new JsonObject
            {
                ["token"] = tokens[0].Text,
                ["logprob"] = tokens[0].LogProbability,
                ["top_logprobs"] = new JsonArray([.. tokens.Take((int)body["top_logprobs"]!).Select(token => new JsonObject { ["token"] = token.Text, ["logprob"] = token.LogProbability })]),
            });
        }

        return answer;
    }
}
