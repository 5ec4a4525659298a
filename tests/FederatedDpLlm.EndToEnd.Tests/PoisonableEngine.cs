using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>A server on loopback with as much of vLLM's surface as a node needs, that fails at every prompt with "poison" in it and says "well" to all others. It is busy with others' work.</summary>
internal sealed class PoisonableEngine : IAsyncDisposable
{
    public const string Model = "delicate";
    private readonly WebApplication _app;

    private PoisonableEngine(WebApplication app) => _app = app;

    public string Address => _app.Urls.First();

    public static async Task<PoisonableEngine> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.MapGet("/health", () => Results.Ok());
        app.MapGet("/metrics", () => "vllm:num_requests_running 3\nvllm:num_requests_waiting 7\n");
        app.MapGet("/v1/models", () => Results.Json(new { data = new[] { new { id = Model, max_model_len = 2048 } } }));
        app.MapPost("/v1/chat/completions", ChatAsync);
        await app.StartAsync();
        return new PoisonableEngine(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static async Task ChatAsync(HttpContext context)
    {
        var asked = await new StreamReader(context.Request.Body).ReadToEndAsync();
        if (asked.Contains("poison", StringComparison.Ordinal))
        {
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
        }
        else if (asked.Contains("\"stream\":true", StringComparison.Ordinal))
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync("""
                data: {"choices":[{"index":0,"delta":{"content":"well"},"finish_reason":null}]}

                data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

                data: [DONE]


                """);
        }
        else
        {
            await context.Response.WriteAsJsonAsync(new { choices = new[] { new { index = 0, message = new { role = "assistant", content = "A" }, finish_reason = "stop" } } });
        }
    }
}
