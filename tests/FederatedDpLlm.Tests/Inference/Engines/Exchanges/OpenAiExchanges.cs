using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace FederatedDpLlm.Tests.Inference.Engines.Exchanges;

/// <summary>
/// Written after OpenAI's API reference (chat completions, completions, models; 2026), not recorded. A server may leave log-probabilities out: then only the
/// answered text is left.
/// </summary>
internal class OpenAiExchanges : ExchangeServer
{
    public bool LogProbabilities { get; init; } = true;

    protected virtual bool Echoes => true;

    protected override Task AnswerAsync(HttpContext context, string path, JsonNode? body) => path switch
    {
        "/v1/models" => JsonAsync(context, new JsonObject { ["object"] = "list", ["data"] = new JsonArray(Model("m")) }),
        "/v1/chat/completions" => body!["stream"]?.GetValue<bool>() == true ? StreamAsync(context) : ChatAsync(context, body),
        "/v1/completions" => CompleteAsync(context, body!),
        _ => RefuseAsync(context, 404, "Not Found"),
    };

    protected virtual JsonObject Model(string name) => new() { ["id"] = name, ["object"] = "model", ["created"] = 1735142223, ["owned_by"] = "somebody" };

    /// <summary>The completions' log-probabilities as a list of objects, as in chats.</summary>
    protected virtual JsonObject NextTokens(string prompt) => new()
    {
        ["content"] = new JsonArray(new JsonObject { ["top_logprobs"] = Listed(PretendModel.Next(prompt).Select(token => (token.Text.Length == 0 ? "</s>" : token.Text, token.LogProbability))) }),
    };

    protected static JsonArray Listed(IEnumerable<(string Text, double LogProbability)> tokens) =>
        [.. tokens.Select(token => new JsonObject { ["token"] = token.Text, ["logprob"] = token.LogProbability })];

    private static async Task StreamAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        foreach (var piece in PretendModel.Saying)
        {
            await SendAsync(new JsonObject { ["index"] = 0, ["delta"] = new JsonObject { ["content"] = piece }, ["finish_reason"] = null });
        }

        await SendAsync(new JsonObject { ["index"] = 0, ["delta"] = new JsonObject(), ["finish_reason"] = "stop" });
        await context.Response.WriteAsync("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":3,\"total_tokens\":14}}\r\n\r\ndata: [DONE]\n\n");

        async Task SendAsync(JsonObject choice) =>
            await context.Response.WriteAsync($"data: {new JsonObject { ["object"] = "chat.completion.chunk", ["choices"] = new JsonArray(choice) }.ToJsonString()}\n\n");
    }

    private async Task ChatAsync(HttpContext context, JsonNode body)
    {
        var letter = PretendModel.Letter([.. body["messages"]!.AsArray().Select(message => ((string)message!["role"]!, (string)message["content"]!))]);
        var choice = new JsonObject { ["index"] = 0, ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = $" ({letter})." }, ["finish_reason"] = "stop" };
        if (LogProbabilities && body["logprobs"]?.GetValue<bool>() == true)
        {
            choice["logprobs"] = new JsonObject { ["content"] = new JsonArray(new JsonObject { ["token"] = letter, ["logprob"] = -0.2, ["top_logprobs"] = Listed([(letter, -0.2), (" " + letter, -3), ("The", -4)]) }) };
        }

        await JsonAsync(context, new JsonObject { ["object"] = "chat.completion", ["choices"] = new JsonArray(choice) });
    }

    private async Task CompleteAsync(HttpContext context, JsonNode body)
    {
        var (prompt, echo) = ((string)body["prompt"]!, body["echo"]?.GetValue<bool>() == true);
        if (echo && !Echoes)
        {
            await RefuseAsync(context, 400, "Only no echo is supported");
            return;
        }

        var choice = new JsonObject { ["index"] = 0, ["text"] = "x", ["finish_reason"] = "length" };
        if (LogProbabilities)
        {
            choice["logprobs"] = echo ? Echoed(prompt) : NextTokens(prompt);
        }

        await JsonAsync(context, new JsonObject { ["object"] = "text_completion", ["choices"] = new JsonArray(choice) });
    }

    // One token a word, and one generated beyond the prompt's end.
    private static JsonObject Echoed(string prompt)
    {
        var offsets = new List<int> { 0 };
        offsets.AddRange(Enumerable.Range(1, prompt.Length - 1).Where(i => prompt[i] == ' '));
        var values = offsets.Select(at => at == 0 ? null : (JsonNode?)(prompt.Split(prompt[at..].TrimStart().Split(' ')[0]).Length > 2 ? -1.0 : -5.0)).Append(-0.5);
        return new JsonObject { ["token_logprobs"] = new JsonArray([.. values]), ["text_offset"] = new JsonArray([.. offsets.Append(prompt.Length).Select(at => (JsonNode?)at)]) };
    }
}
