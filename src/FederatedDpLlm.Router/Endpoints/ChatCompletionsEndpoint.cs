using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using FederatedDpLlm.Budgets;
using FederatedDpLlm.Routing;
using FederatedDpLlm.Routing.Retries;
using FederatedDpLlm.Security.Authentication;
using Microsoft.Data.Sqlite;

namespace FederatedDpLlm.Router.Endpoints;

/// <summary><c>POST /v1/chat/completions</c>, whole or as a stream: HTTP in, one question to the router, HTTP out.</summary>
/// <remarks>The specification's Request Handler.</remarks>
internal sealed partial class ChatCompletionsEndpoint(
    Gatekeeper gatekeeper,
    ChatRequestReader reader,
    FederatedRouter router,
    AnswerRetries retries,
    KeptAnswers kept,
    QuotaGate quotas,
    RouteJournal journal,
    TimeProvider clock,
    ILogger<ChatCompletionsEndpoint> logger)
{
    private const string RequestIdHeader = "x-request-id";

    public async Task HandleAsync(HttpContext context)
    {
        if (await gatekeeper.AdmitAsync(context) is not { } caller)
        {
            return;
        }

        try
        {
            await HandleAsync(context, caller);
        }
        catch (Exception error) when (error is BudgetStoreException or SqliteException && !context.Response.HasStarted)
        {
            StoreDown(logger, error);
            await OpenAiError.LedgerUnavailable.WriteAsync(context);
        }
        catch (Exception error) when (!context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            // A fault of ours: what was held is settled by whoever held it; the caller gets JSON all the same.
            Broken(logger, error);
            await OpenAiError.Internal.WriteAsync(context);
        }
    }

    private async Task HandleAsync(HttpContext context, Caller caller)
    {
        var requestId = ChatRequestReader.NewRequestId();
        try
        {
            if (!Roles.MayAsk(caller.Role))
            {
                throw new UnreadableRequestException(new OpenAiError(
                    StatusCodes.Status403Forbidden, "permission_error", "role_may_not_ask", $"The role '{caller.Role}' reads accounts and decisions; it does not ask."));
            }

            var given = ChatRequestReader.GivenRequestId(context.Request.Headers, caller);
            requestId = given ?? requestId;
            var body = await BodyAsync(context);
            var request = Parse(body);
            var question = reader.Read(request, caller, requestId);
            var asked = new Asked(question, request.Stream == true, request.StreamOptions?.IncludeUsage == true);
            Name(context, requestId);
            await (given is null
                ? AnswerAsync(context, asked, router.AskAsync(question, !asked.Stream, context.RequestAborted))
                : AnswerOnceAsync(context, asked, retries.FingerprintOf(caller, body)));
        }
        catch (UnreadableRequestException unreadable)
        {
            await RefuseAsync(context, caller, requestId, unreadable.Error);
        }
    }

    // A header is ASCII; a user's name need not be.
    private static void Name(HttpContext context, string requestId) => context.Response.Headers[RequestIdHeader] = Ascii.IsValid(requestId) ? requestId : Uri.EscapeDataString(requestId);

    /// <summary>Turns a request away that came to no question: first for the log, then for its caller.</summary>
    private async Task RefuseAsync(HttpContext context, Caller caller, string requestId, OpenAiError error)
    {
        await quotas.RefuseAsync(caller, requestId, error.Code!.Replace('_', '-'), error.IsOurs ? error.Param! : string.Empty);
        Name(context, requestId);
        await error.WriteAsync(context);
    }

    private static async Task<byte[]> BodyAsync(HttpContext context)
    {
        try
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
            return body.ToArray();
        }
        catch (BadHttpRequestException error)
        {
            throw new UnreadableRequestException(new OpenAiError(error.StatusCode, "invalid_request_error", "invalid_body", error.Message));
        }
    }

    private static ChatRequest Parse(byte[] body)
    {
        // The parser looks at the bytes of a text only when it is asked for (RFC 8259, section 8.1).
        if (!Utf8.IsValid(body))
        {
            throw new UnreadableRequestException(OpenAiError.Invalid(null, "The body is not UTF-8.") with { Code = "invalid_body" });
        }

        try
        {
            return JsonSerializer.Deserialize(body, OpenAiJson.Default.ChatRequest) ?? throw new UnreadableRequestException(OpenAiError.Invalid(null, "The body is empty.") with { Code = "invalid_body" });
        }
        catch (JsonException error)
        {
            throw new UnreadableRequestException(OpenAiError.Invalid(error.Path, "The body is not a JSON object of a chat completion.") with { Code = "invalid_body" });
        }
    }

    /// <summary>A request that carries its caller's id: asked once, given as often as it is repeated.</summary>
    private async Task AnswerOnceAsync(HttpContext context, Asked asked, byte[] request)
    {
        var (caller, id) = (asked.Question.Caller, asked.Question.RequestId);
        RetryStart start;
        try
        {
            start = await retries.BeginAsync(id, request);
        }
        catch (SqliteException)
        {
            // The ledger is another file: it can still say what happened.
            await quotas.RefuseAsync(caller, id, "answers-unavailable");
            throw;
        }

        switch (start)
        {
            case RetryStart.First:
                await AnswerAsync(context, asked, kept.AskAsync(asked.Question, request, !asked.Stream, context.RequestAborted));
                break;
            case RetryStart.Stored stored:
                await RepeatAsync(context, asked, stored.Body);
                break;
            case RetryStart.UnderWay:
                await RefuseAsync(context, caller, id, new OpenAiError(
                    StatusCodes.Status409Conflict, "invalid_request_error", "request_in_progress", "This request is still being answered: ask again for its answer.", "Idempotency-Key", null, 1));
                break;
            default:
                await RefuseAsync(context, caller, id, new OpenAiError(
                    StatusCodes.Status409Conflict, "invalid_request_error", "idempotency_key_reused", "This id belongs to another request. A new question needs a new id.", "Idempotency-Key"));
                break;
        }
    }

    private async Task RepeatAsync(HttpContext context, Asked asked, byte[] body)
    {
        await quotas.RepeatAsync(asked.Question, context.RequestAborted);
        journal.Repeated(asked.Question);
        context.Response.Headers["idempotent-replayed"] = "true";
        if (asked.Stream)
        {
            await new ChatStream(context, clock, asked.IncludeUsage, logger).RepeatAsync(JsonSerializer.Deserialize(body, OpenAiJson.Default.ChatResponse)!);
            return;
        }

        context.Response.ContentType = "application/json; charset=utf-8";
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    private async Task AnswerAsync(HttpContext context, Asked asked, IAsyncEnumerable<RouteEvent> answer)
    {
        await using var events = answer.GetAsyncEnumerator(context.RequestAborted);
        await (asked.Stream ? new ChatStream(context, clock, asked.IncludeUsage, logger).WriteAsync(asked.Question, events) : WriteWholeAsync(context, asked.Question, events));
    }

    private async Task WriteWholeAsync(HttpContext context, RoutedQuestion question, IAsyncEnumerator<RouteEvent> events)
    {
        var texts = new AnswerTexts();
        while (await events.MoveNextAsync())
        {
            texts.Add(events.Current);
            switch (events.Current)
            {
                case RouteEvent.Refused refused:
                    await RefusalErrors.ToError(refused.Refusal, clock.GetUtcNow()).WriteAsync(context);
                    return;
                case RouteEvent.Failed failed:
                    await OpenAiError.NodeFailed(failed.Message).WriteAsync(context);
                    return;
                case RouteEvent.Completed completed:
                    await context.Response.WriteAsJsonAsync(ChatResponses.Whole(question, completed.Completion, texts.All(question.Question.Answers)), OpenAiJson.Default.ChatResponse);
                    return;
            }
        }

        await OpenAiError.NodeFailed(ChatStream.BrokeOff).WriteAsync(context);
    }

    private sealed record Asked(RoutedQuestion Question, bool Stream, bool IncludeUsage);

    [LoggerMessage(4001, LogLevel.Error, "The privacy ledger cannot be written.")]
    private static partial void StoreDown(ILogger logger, Exception error);

    [LoggerMessage(4002, LogLevel.Error, "A request failed.")]
    private static partial void Broken(ILogger logger, Exception error);
}
