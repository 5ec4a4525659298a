using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FederatedDpLlm.Tests.Inference.Engines.Exchanges;

/// <summary>
/// A server on loopback that answers as an engine's documentation says. Every exchange was written after the documentation of the version named by the class; none
/// was recorded from a running engine.
/// </summary>
internal abstract class ExchangeServer : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly List<(string Path, JsonNode? Body)> _calls = [];
    private WebApplication? _app;

    public Uri BaseUrl { get; private set; } = null!;

    public string? Authorization { get; private set; }

    /// <summary>Answers instead of the engine where it gives something: for hostile answers.</summary>
    public Func<HttpContext, JsonNode?, Task<bool>>? Instead { get; set; }

    /// <summary>Completes when a caller leaves before its answer has ended.</summary>
    public TaskCompletionSource Left { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The bodies of the calls of a path, oldest first.</summary>
    public IReadOnlyList<JsonNode?> BodiesOf(string path)
    {
        lock (_gate)
        {
            return [.. _calls.Where(call => call.Path == path).Select(call => call.Body)];
        }
    }

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Run(ServeAsync);
        await _app.StartAsync();
        BaseUrl = new Uri(_app.Urls.First() + "/v1");
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }

    /// <summary>The documented answer of one path; 404 where the engine has none.</summary>
    protected abstract Task AnswerAsync(HttpContext context, string path, JsonNode? body);

    protected static Task JsonAsync(HttpContext context, JsonNode answer) => context.Response.WriteAsJsonAsync(answer);

    protected static Task RefuseAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        return JsonAsync(context, new JsonObject { ["error"] = new JsonObject { ["code"] = status, ["message"] = message } });
    }

    private async Task ServeAsync(HttpContext context)
    {
        var body = context.Request.Method == "POST" ? await JsonNode.ParseAsync(context.Request.Body) : null;
        lock (_gate)
        {
            _calls.Add((context.Request.Path, body));
        }

        Authorization = context.Request.Headers.Authorization;
        using var left = context.RequestAborted.Register(() => Left.TrySetResult());
        if (Instead is not { } instead || !await instead(context, body))
        {
            await AnswerAsync(context, context.Request.Path, body);
        }
    }
}
