using System.Text.Json;
using FederatedDpLlm.Budgets;
using FederatedDpLlm.Routing;

namespace FederatedDpLlm.Router.Endpoints;

/// <summary>
/// An answer as server-sent events. It starts once the reservation is durable, closes after the commit's, and a break in the middle is an error event:
/// never a bare end that looks like success.
/// </summary>
internal sealed partial class ChatStream(HttpContext context, TimeProvider clock, bool includeUsage, ILogger logger)
{
    /// <summary>What is said of an answer whose end nobody told.</summary>
    public const string BrokeOff = "The answer broke off. What may have run is charged.";
    private readonly HashSet<int> _begun = [];

    public async Task WriteAsync(RoutedQuestion question, IAsyncEnumerator<RouteEvent> events)
    {
        var head = ChatResponses.Head(question);
        var texts = new AnswerTexts();
        while (await NextAsync(events))
        {
            texts.Add(events.Current);
            switch (events.Current)
            {
                case RouteEvent.Refused refused:
                    await RefusalErrors.ToError(refused.Refusal, clock.GetUtcNow()).WriteAsync(context);
                    return;
                case RouteEvent.Text text:
                    await SendTextAsync(head, text.Answer, text.Value);
                    break;
                case RouteEvent.Failed failed:
                    await FailAsync(failed.Message);
                    return;
                case RouteEvent.Completed completed:
                    await CloseAsync(ChatResponses.Whole(question, completed.Completion, texts.All(question.Question.Answers)));
                    return;
            }
        }

        await FailAsync(BrokeOff);
    }

    // Before the first text the caller gets an error's status; after it, whatever happened, a stream that ends without its end is told so.
    private async Task<bool> NextAsync(IAsyncEnumerator<RouteEvent> events)
    {
        try
        {
            return await events.MoveNextAsync();
        }
        catch (Exception error) when (_begun.Count > 0 && !context.RequestAborted.IsCancellationRequested)
        {
            CutShort(logger, error);
            return false;
        }
    }

    /// <summary>Gives an answer once more that was given before.</summary>
    public async Task RepeatAsync(ChatResponse whole)
    {
        foreach (var choice in whole.Choices.Where(choice => choice.Message!.Content!.Length > 0))
        {
            await SendTextAsync(whole, choice.Index, choice.Message!.Content!);
        }

        await CloseAsync(whole);
    }

    private async Task SendTextAsync(ChatResponse head, int answer, string text)
    {
        await BeginAsync(head, answer);
        await SendAsync(ChatResponses.Chunk(head, new ChatChoice(answer, Delta: new ChatResponseMessage(Content: text))));
    }

    private async Task BeginAsync(ChatResponse head, int answer)
    {
        if (_begun.Count == 0)
        {
            context.Response.ContentType = "text/event-stream; charset=utf-8";
            context.Response.Headers.CacheControl = "no-cache";
        }

        if (_begun.Add(answer))
        {
            await SendAsync(ChatResponses.Chunk(head, new ChatChoice(answer, Delta: new ChatResponseMessage("assistant", string.Empty))));
        }
    }

    private async Task CloseAsync(ChatResponse whole)
    {
        foreach (var choice in whole.Choices)
        {
            await BeginAsync(whole, choice.Index);
        }

        foreach (var choice in whole.Choices)
        {
            await SendAsync(ChatResponses.FinishChunk(whole, choice, withPrivacy: !includeUsage && choice.Index == whole.Choices.Count - 1));
        }

        if (includeUsage)
        {
            await SendAsync(ChatResponses.UsageChunk(whole));
        }

        await context.Response.WriteAsync("data: [DONE]\n\n", context.RequestAborted);
    }

    private async Task FailAsync(string message)
    {
        var error = OpenAiError.NodeFailed(message);
        if (_begun.Count == 0)
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

    [LoggerMessage(4004, LogLevel.Error, "A stream was cut short.")]
    private static partial void CutShort(ILogger logger, Exception error);
}
