using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FederatedDpLlm.Tests.Judge.Server;

/// <summary>
/// A real llama.cpp on loopback, one slot, behind the surface of its own server as far as an engine needs it: tools/server/README.md of llama.cpp 0.5.0. The
/// library decodes; this only carries. Chats are put in the bundled model's form and answered with the likeliest tokens, whatever temperature is asked.
/// </summary>
internal sealed class LlamaCppServer : IAsyncDisposable
{
    private readonly LlamaCpp _model;
    private readonly string? _adapter;
    private readonly int _context;
    private readonly WebApplication _app;
    private readonly SemaphoreSlim _slot = new(1, 1);
    private bool _adapted;
    private bool _ended;
    private int _completions;

    private LlamaCppServer(WebApplication app, LlamaCpp model, int context, string? adapter) => (_app, _model, _context, _adapter) = (app, model, context, adapter);

    public Uri Address => new(_app.Urls.First());

    /// <summary>Calls of the completion so far.</summary>
    public int Completions => Volatile.Read(ref _completions);

    /// <param name="library">From <see cref="LlamaCpp.FolderIn"/>.</param>
    /// <param name="path">A GGUF file.</param>
    /// <param name="adapter">A LoRA adapter in a GGUF file, as named with <c>--lora --lora-init-without-apply</c>.</param>
    public static async Task<LlamaCppServer> StartAsync(string library, string path, string? adapter = null)
    {
        const int context = 1024;
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var server = new LlamaCppServer(app, LlamaCpp.Load(library, path, 1, context, floatCache: true), context, adapter);
        server.Map();
        await app.StartAsync();
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        if (_ended)
        {
            return;
        }

        _ended = true;
        await _app.DisposeAsync();
        await _slot.WaitAsync();
        _model.Dispose();
        _slot.Dispose();
    }

    private void Map()
    {
        _app.MapGet("/health", () => new { status = "ok" });
        _app.MapGet("/props", () => new { default_generation_settings = new { n_ctx = _context }, total_slots = 1, model_path = "ward-2m.gguf" });
        _app.MapGet("/slots", () => new[] { new { id = 0, is_processing = _slot.CurrentCount == 0 } });
        _app.MapGet("/v1/models", () => new { data = new[] { new { id = "ward-2m.gguf", meta = new { n_vocab = _model.Vocabulary, n_ctx_train = _model.TrainedContext } } } });
        _app.MapGet("/lora-adapters", () => _adapter is null ? [] : new[] { new { id = 0, path = _adapter, scale = _adapted ? 1.0 : 0.0 } });
        _app.MapPost("/lora-adapters", (JsonElement scales) => InSlotAsync(() => Scale(scales)));
        _app.MapPost("/tokenize", (JsonElement body) => InSlotAsync(() => new JsonObject { ["tokens"] = Numbers(_model.Tokenize(body.GetProperty("content").GetString()!)) }));
        _app.MapPost("/completion", (JsonElement body) => InSlotAsync(() => Complete(body)));
        _app.MapPost("/v1/chat/completions", ChatAsync);
    }

    private JsonObject Scale(JsonElement scales)
    {
        if (!_adapted && scales.EnumerateArray().Any(scale => scale.GetProperty("id").GetInt32() == 0 && scale.GetProperty("scale").GetDouble() > 0))
        {
            _model.Adapt(_adapter!);
            _adapted = true;
        }

        return new JsonObject { ["success"] = true };
    }

    private JsonObject Complete(JsonElement body)
    {
        Interlocked.Increment(ref _completions);
        var tokens = body.GetProperty("prompt").EnumerateArray()
            .SelectMany((part, i) => part.ValueKind == JsonValueKind.String ? _model.Tokenize(part.GetString()!, begin: i == 0, control: true) : [part.GetInt32()]).ToArray();
        _model.Clear();
        _model.Decode(tokens);
        var likeliest = Likeliest(body.GetProperty("n_probs").GetInt32());
        return new JsonObject { ["content"] = likeliest[0]!["token"]!.DeepClone(), ["stop"] = true, ["completion_probabilities"] = new JsonArray(new JsonObject { ["top_logprobs"] = likeliest }) };
    }

    private async Task ChatAsync(HttpContext context)
    {
        var body = (await JsonNode.ParseAsync(context.Request.Body))!;
        await _slot.WaitAsync(context.RequestAborted);
        try
        {
            await (body["stream"]?.GetValue<bool>() == true ? StreamAsync(context, body) : context.Response.WriteAsJsonAsync(Chat(body)));
        }
        finally
        {
            _slot.Release();
        }
    }

    private JsonObject Chat(JsonNode body)
    {
        Read(body);
        var candidates = Likeliest((int?)body["top_logprobs"] ?? 1);
        var answer = string.Concat(Answer(body).Select(token => Encoding.UTF8.GetString(_model.PieceOf(token))));
        var choice = new JsonObject { ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = answer }, ["finish_reason"] = "stop" };
        if (body["logprobs"]?.GetValue<bool>() == true)
        {
            choice["logprobs"] = new JsonObject { ["content"] = new JsonArray(new JsonObject { ["top_logprobs"] = candidates }) };
        }

        return new JsonObject { ["choices"] = new JsonArray(choice) };
    }

    private async Task StreamAsync(HttpContext context, JsonNode body)
    {
        context.Response.ContentType = "text/event-stream";
        var (prompt, written) = (Read(body), 0);
        foreach (var token in Answer(body))
        {
            written++;
            var delta = new JsonObject { ["delta"] = new JsonObject { ["content"] = Encoding.UTF8.GetString(_model.PieceOf(token)) } };
            await SendAsync(new JsonObject { ["choices"] = new JsonArray(delta) });
        }

        var finish = written < (int)body["max_tokens"]! ? "stop" : "length";
        await SendAsync(new JsonObject { ["choices"] = new JsonArray(new JsonObject { ["delta"] = new JsonObject(), ["finish_reason"] = finish }) });
        await SendAsync(new JsonObject { ["choices"] = new JsonArray(), ["usage"] = new JsonObject { ["prompt_tokens"] = prompt, ["completion_tokens"] = written } });
        await context.Response.WriteAsync("data: [DONE]\n\n");

        async Task SendAsync(JsonNode chunk)
        {
            await context.Response.WriteAsync($"data: {chunk.ToJsonString()}\n\n", context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }

    // The likeliest tokens one by one, until the model ends its answer.
    private IEnumerable<int> Answer(JsonNode body)
    {
        for (var left = (int)body["max_tokens"]!; left > 0; left--)
        {
            var token = Order(_model.Logits())[0];
            if (_model.IsEnd(token))
            {
                yield break;
            }

            yield return token;
            _model.Decode([token]);
        }
    }

    private int Read(JsonNode body)
    {
        var turns = body["messages"]!.AsArray().Select(message => ((string)message!["role"]!) switch
        {
            "system" => "<|record|>" + message["content"],
            "assistant" => $"<|assistant|> {message["content"]}<|end|>",
            _ => "<|user|>" + message["content"],
        });
        var tokens = _model.Tokenize($"<|begin|>{string.Concat(turns)}<|assistant|>", control: true);
        _model.Clear();
        _model.Decode(tokens);
        return tokens.Length;
    }

    private JsonArray Likeliest(int count)
    {
        var logits = _model.Logits().ToArray();
        var largest = (double)logits.Max();
        var normaliser = largest + Math.Log(logits.Sum(logit => Math.Exp(logit - largest)));
        return [.. Order(logits).Take(count).Select(token => Entry(token, logits[token] - normaliser))];
    }

    // As the server writes it: what of a token's bytes is no whole character is left out of its text.
    private JsonObject Entry(int token, double logProbability)
    {
        var piece = _model.PieceOf(token);
        var text = Encoding.UTF8.GetString(piece);
        return new JsonObject
        {
            ["id"] = token,
            ["token"] = text.Contains('\uFFFD', StringComparison.Ordinal) ? "" : text,
            ["bytes"] = new JsonArray([.. piece.Select(value => (JsonNode)(int)value)]),
            ["logprob"] = logProbability,
        };
    }

    private static JsonArray Numbers(IEnumerable<int> numbers) => [.. numbers.Select(number => (JsonNode)number)];

    private static List<int> Order(ReadOnlySpan<float> logits)
    {
        var values = logits.ToArray();
        return [.. Enumerable.Range(0, values.Length).OrderByDescending(token => values[token])];
    }

    private async Task<IResult> InSlotAsync(Func<JsonObject> work)
    {
        await _slot.WaitAsync();
        try
        {
            return Results.Json(work());
        }
        finally
        {
            _slot.Release();
        }
    }
}
