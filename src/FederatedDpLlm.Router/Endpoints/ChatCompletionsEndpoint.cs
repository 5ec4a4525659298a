using System.Text.Json;
using FederatedDpLlm.Budgets;
using FederatedDpLlm.Routing;
using FederatedDpLlm.Security.Authentication;

namespace FederatedDpLlm.Router.Endpoints;

/// <summary><c>POST /v1/chat/completions</c>, whole or as a stream: HTTP in, one question to the router, HTTP out.</summary>
/// <remarks>The specification's Request Handler.</remarks>
internal sealed partial class ChatCompletionsEndpoint(
    Gatekeeper gatekeeper, ChatRequestReader reader, FederatedRouter router, RouteJournal journal, TimeProvider clock, ILogger<ChatCompletionsEndpoint> logger)
{
    public async Task HandleAsync(HttpContext context)
    {
        if (await gatekeeper.IdentifyAsync(context) is not { } caller)
        {
            await OpenAiError.Unauthorized.WriteAsync(context);
            return;
        }

        if (!Roles.MayAsk(caller.Role))
        {
            await new OpenAiError(StatusCodes.Status403Forbidden, "permission_error", "role_may_not_ask", $"The role '{caller.Role}' reads accounts and decisions; it does not ask.").WriteAsync(context);
            return;
        }

        try
        {
            var (request, question) = await ReadAsync(context, caller);
            await AnswerAsync(context, question, request.Stream == true, request.StreamOptions?.IncludeUsage == true);
        }
        catch (UnreadableRequestException unreadable)
        {
            await unreadable.Error.WriteAsync(context);
        }
        catch (BudgetStoreException error) when (!context.Response.HasStarted)
        {
            StoreDown(logger, error);
            await new OpenAiError(
                StatusCodes.Status503ServiceUnavailable, "server_error", "ledger_unavailable", "The privacy ledger cannot be written, so nothing is answered.", null, null, 5).WriteAsync(context);
        }
    }

    private async Task<(ChatRequest Request, RoutedQuestion Question)> ReadAsync(HttpContext context, Caller caller)
    {
        ChatRequest? request;
        try
        {
            request = await JsonSerializer.DeserializeAsync(context.Request.Body, OpenAiJson.Default.ChatRequest, context.RequestAborted);
        }
        catch (JsonException error)
        {
            throw new UnreadableRequestException(OpenAiError.Invalid(error.Path, "The body is not a JSON object of a chat completion."));
        }
        catch (BadHttpRequestException error)
        {
            throw new UnreadableRequestException(new OpenAiError(error.StatusCode, "invalid_request_error", "invalid_body", error.Message));
        }

        if (request is null)
        {
            throw new UnreadableRequestException(OpenAiError.Invalid(null, "The body is empty."));
        }

        var (question, refusal) = reader.Read(request, caller, ChatRequestReader.RequestId(context.Request.Headers, caller));
        return question is null ? throw new UnreadableRequestException(refusal!) : (request, question);
    }

    private async Task AnswerAsync(HttpContext context, RoutedQuestion question, bool stream, bool includeUsage)
    {
        var entry = journal.Begin(question);
        context.Response.Headers["x-request-id"] = question.RequestId;
        await using var events = router.AskAsync(question, !stream, context.RequestAborted).GetAsyncEnumerator(context.RequestAborted);
        var ended = false;
        try
        {
            ended = stream
                ? await new ChatStream(context, question, clock, includeUsage).WriteAsync(events, entry)
                : await WriteWholeAsync(context, question, events, entry);
        }
        finally
        {
            if (!ended)
            {
                entry.BrokeOff();
            }
        }
    }

    private async Task<bool> WriteWholeAsync(HttpContext context, RoutedQuestion question, IAsyncEnumerator<RouteEvent> events, RouteJournal.Entry entry)
    {
        var text = new System.Text.StringBuilder();
        while (await events.MoveNextAsync())
        {
            switch (events.Current)
            {
                case RouteEvent.Refused refused:
                    entry.Refused(refused.Refusal);
                    await RefusalErrors.ToError(refused.Refusal, clock.GetUtcNow()).WriteAsync(context);
                    return true;
                case RouteEvent.Failed failed:
                    await new OpenAiError(StatusCodes.Status502BadGateway, "server_error", "node_failed", failed.Message).WriteAsync(context);
                    return false;
                case RouteEvent.Text piece:
                    text.Append(piece.Value);
                    break;
                case RouteEvent.Completed completed:
                    entry.Completed(completed.Completion);
                    await context.Response.WriteAsJsonAsync(
                        ChatResponses.Whole(question, completed.Completion, text.ToString(), clock.GetUtcNow()), OpenAiJson.Default.ChatResponse);
                    return true;
            }
        }

        return false;
    }

    [LoggerMessage(4001, LogLevel.Error, "The privacy ledger cannot be written.")]
    private static partial void StoreDown(ILogger logger, Exception error);
}
