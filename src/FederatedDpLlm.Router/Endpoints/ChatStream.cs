using System.Text.Json;
using FederatedDpLlm.Routing;

namespace FederatedDpLlm.Router.Endpoints;

/// <summary>
/// An answer as server-sent events. It starts once the reservation is durable, closes after the commit's, and a break in the middle is an error event:
/// never a bare end that looks like success.
/// </summary>
internal sealed class ChatStream(HttpContext context, RoutedQuestion question, TimeProvider clock, bool includeUsage)
{
    private bool _started;

    /// <returns>Whether the question came to its end, be it a refusal.</returns>
    public async Task<bool> WriteAsync(IAsyncEnumerator<RouteEvent> events, RouteJournal.Entry entry)
    {
        while (await events.MoveNextAsync())
        {
            switch (events.Current)
            {
                case RouteEvent.Refused refused:
                    entry.Refused(refused.Refusal);
                    await RefusalErrors.ToError(refused.Refusal, clock.GetUtcNow()).WriteAsync(context);
                    return true;
                case RouteEvent.Text text:
                    await StartAsync();
                    await SendAsync(ChatResponses.Chunk(question, clock.GetUtcNow(), new ChatResponseMessage(Content: text.Value)));
                    break;
                case RouteEvent.Failed failed:
                    await FailAsync(failed.Message);
                    return false;
                case RouteEvent.Completed completed:
                    entry.Completed(completed.Completion);
                    await StartAsync();
                    await CloseAsync(completed.Completion);
                    return true;
            }
        }

        await FailAsync("The answer broke off. What may have run is charged.");
        return false;
    }

    private async Task StartAsync()
    {
        if (_started)
        {
            return;
        }

        _started = true;
        context.Response.ContentType = "text/event-stream; charset=utf-8";
        context.Response.Headers.CacheControl = "no-cache";
        await SendAsync(ChatResponses.Chunk(question, clock.GetUtcNow(), new ChatResponseMessage("assistant", string.Empty)));
    }

    private async Task CloseAsync(RouteCompletion completion)
    {
        await SendAsync(ChatResponses.LastChunk(question, clock.GetUtcNow(), completion, withPrivacy: !includeUsage));
        if (includeUsage)
        {
            await SendAsync(ChatResponses.UsageChunk(question, clock.GetUtcNow(), completion));
        }

        await context.Response.WriteAsync("data: [DONE]\n\n", context.RequestAborted);
    }

    private async Task FailAsync(string message)
    {
        var error = new OpenAiError(StatusCodes.Status502BadGateway, "server_error", "node_failed", message);
        if (!_started)
        {
            await error.WriteAsync(context);
            return;
        }

        var body = new OpenAiErrorBody(new OpenAiErrorDetail(error.Message, error.Type, null, error.Code, null));
        await context.Response.WriteAsync($"data: {JsonSerializer.Serialize(body, OpenAiJson.Default.OpenAiErrorBody)}\n\n", context.RequestAborted);
    }

    private async Task SendAsync(ChatResponse chunk)
    {
        await context.Response.WriteAsync($"data: {JsonSerializer.Serialize(chunk, OpenAiJson.Default.ChatResponse)}\n\n", context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }
}
