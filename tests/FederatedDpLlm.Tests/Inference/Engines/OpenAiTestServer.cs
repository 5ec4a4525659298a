using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FederatedDpLlm.Tests.Inference.Engines;

/// <summary>
/// A small server on loopback that answers in the documented form of vLLM 0.28, llama.cpp server 0.5.0 or Ollama 0.40 (without log-probabilities). Its model is
/// sure of the option that the records name most, and spells "yes", letter by letter, or "no" where the records say so.
/// </summary>
internal sealed class OpenAiTestServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private OpenAiTestServer(WebApplication app) => _app = app;

    public enum Kind
    {
        Vllm,
        LlamaCpp,
        Ollama,
    }

    public Uri BaseUrl => new(_app.Urls.First() + "/v1");

    public List<JsonObject> Bodies { get; } = [];

    public string? Authorization { get; private set; }

    /// <summary>Answers instead of the model where it gives something: for hostile answers.</summary>
    public Func<HttpContext, JsonObject, Task<bool>>? Instead { get; set; }

    public static async Task<OpenAiTestServer> StartAsync(Kind kind)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var server = new OpenAiTestServer(app);
        app.MapPost("/v1/{**path}", async (HttpContext context, string path) =>
        {
            var body = (await JsonNode.ParseAsync(context.Request.Body))!.AsObject();
            lock (server.Bodies)
            {
                server.Bodies.Add(body);
            }

            server.Authorization = context.Request.Headers.Authorization;
            if (server.Instead is { } instead && await instead(context, body))
            {
                return;
            }

            await (path == "chat/completions" ? ChatAsync(kind, context, body) : CompleteAsync(kind, context, body));
        });
        await app.StartAsync();
        return server;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private static async Task ChatAsync(Kind kind, HttpContext context, JsonObject body)
    {
        var messages = body["messages"]!.AsArray().Select(message => message!["content"]!.GetValue<string>()).ToList();
        var records = body["messages"]![0]!["role"]!.GetValue<string>() == "system" ? messages[0] : "";
        if (body["stream"]?.GetValue<bool>() == true)
        {
            context.Response.ContentType = "text/event-stream";
            foreach (var piece in new[] { "Take", " rest", "." })
            {
                await context.Response.WriteAsync($"data: {new JsonObject { ["choices"] = new JsonArray(new JsonObject { ["delta"] = new JsonObject { ["content"] = piece } }) }.ToJsonString()}\n\n");
            }

            await context.Response.WriteAsync("data: {\"choices\":[]}\r\n\r\ndata: [DONE]\n\n");
            return;
        }

        var options = messages[^1].Split('\n').Where(line => line.Length > 3 && line[1] == ')').Select(line => (Letter: line[..1], Text: line[3..])).ToList();
        var chosen = options.OrderByDescending(option => records.Split(option.Text).Length).Select(option => option.Letter).FirstOrDefault("A");
        var choice = new JsonObject { ["index"] = 0, ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = $" ({chosen})." }, ["finish_reason"] = "stop" };
        if (kind != Kind.Ollama && body["logprobs"]?.GetValue<bool>() == true)
        {
            choice["logprobs"] = new JsonObject { ["content"] = new JsonArray(new JsonObject { ["token"] = chosen, ["logprob"] = -0.2, ["top_logprobs"] = Top([(chosen, -0.2), (" " + chosen, -3), ("The", -4)]) }) };
        }

        await context.Response.WriteAsJsonAsync(new JsonObject { ["object"] = "chat.completion", ["choices"] = new JsonArray(choice) });
    }

    private static async Task CompleteAsync(Kind kind, HttpContext context, JsonObject body)
    {
        var prompt = body["prompt"]!.GetValue<string>();
        var echo = body["echo"]?.GetValue<bool>() == true;
        if (kind == Kind.LlamaCpp && echo)
        {
            context.Response.StatusCode = 400;
            await context.Response.WriteAsJsonAsync(new JsonObject { ["error"] = new JsonObject { ["message"] = "Only no echo is supported" } });
            return;
        }

        var choice = new JsonObject { ["index"] = 0, ["text"] = "x", ["finish_reason"] = "length" };
        if (kind != Kind.Ollama)
        {
            choice["logprobs"] = echo ? Echoed(prompt) : kind == Kind.Vllm
                ? new JsonObject { ["top_logprobs"] = new JsonArray(new JsonObject(Next(prompt).Select(token => KeyValuePair.Create(token.Text, (JsonNode?)token.Value)))) }
                : new JsonObject { ["content"] = new JsonArray(new JsonObject { ["top_logprobs"] = Top(Next(prompt)) }) };
        }

        await context.Response.WriteAsJsonAsync(new JsonObject { ["object"] = "text_completion", ["choices"] = new JsonArray(choice) });
    }

    // One token a word, and one generated beyond the prompt's end.
    private static JsonObject Echoed(string prompt)
    {
        var offsets = new List<int> { 0 };
        offsets.AddRange(Enumerable.Range(1, prompt.Length - 1).Where(i => prompt[i] == ' '));
        var values = offsets.Select(at => at == 0 ? null : (JsonNode?)(prompt.Split(prompt[at..].TrimStart().Split(' ')[0]).Length > 2 ? -1.0 : -5.0)).Append(-0.5);
        return new JsonObject { ["token_logprobs"] = new JsonArray([.. values]), ["text_offset"] = new JsonArray([.. offsets.Append(prompt.Length).Select(at => (JsonNode?)at)]) };
    }

    private static (string Text, double Value)[] Next(string prompt)
    {
        var answer = prompt[(prompt.LastIndexOf("Answer:", StringComparison.Ordinal) + 7)..];
        var word = prompt.Contains("say no", StringComparison.Ordinal) ? "no" : "yes";
        var next = word.StartsWith(answer, StringComparison.Ordinal) && answer.Length < word.Length ? word[answer.Length].ToString() : "</s>";
        (string Text, double Value)[] tokens = [(next, -0.1), ("n", -3), ("\uFFFD", -3.5), (next == "</s>" ? "y" : "</s>", -4)];
        return [.. tokens.DistinctBy(token => token.Text)];
    }

    private static JsonArray Top(IEnumerable<(string Text, double Value)> tokens) =>
        [.. tokens.Select(token => new JsonObject { ["token"] = token.Text, ["logprob"] = token.Value })];
}
