using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Threading.Channels;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Routing;
using FederatedDpLlm.Routing.Retries;

namespace FederatedDpLlm.Router.Endpoints;

/// <summary>
/// Answers to requests that carry an id: each is finished and kept also where its caller goes away in the middle, since what was drawn is paid and the repeat is to have it.
/// </summary>
internal sealed partial class KeptAnswers(FederatedRouter router, AnswerRetries retries, IHostApplicationLifetime lifetime, ILogger<KeptAnswers> logger)
{
    // Text that a caller has not taken yet; beyond it the hospital waits for the caller, as it does without an id.
    private const int MostUnread = 256;

    /// <param name="question">What is asked, for the first time under its id.</param>
    /// <param name="request">The request's fingerprint.</param>
    /// <param name="buffered">As <see cref="FederatedRouter.AskAsync"/> has it.</param>
    /// <param name="cancellationToken">The caller's going away: it ends the reading, and the answer only where that costs nothing.</param>
    public async IAsyncEnumerable<RouteEvent> AskAsync(RoutedQuestion question, byte[] request, bool buffered, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var events = Channel.CreateBounded<RouteEvent>(new BoundedChannelOptions(MostUnread) { SingleReader = true, SingleWriter = true });
        // What costs nothing is not worth finishing for nobody.
        var ends = question.Question.Mechanism == AnswerMechanism.Public ? cancellationToken : lifetime.ApplicationStopping;
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _ = FinishAsync(question, request, buffered, events.Writer, reading.Token, ends);
        try
        {
            await foreach (var one in events.Reader.ReadAllAsync(reading.Token))
            {
                yield return one;
            }
        }
        finally
        {
            await reading.CancelAsync();
        }
    }

    private async Task FinishAsync(
        RoutedQuestion question, byte[] request, bool buffered, ChannelWriter<RouteEvent> events, CancellationToken reading, CancellationToken cancellationToken)
    {
        Exception? failure = null;
        try
        {
            var texts = new AnswerTexts();
            await foreach (var one in router.AskAsync(question, buffered, cancellationToken))
            {
                texts.Add(one);
                if (one is RouteEvent.Completed { Completion: var completion })
                {
                    var body = JsonSerializer.SerializeToUtf8Bytes(ChatResponses.Whole(question, completion, texts.All(question.Question.Answers)), OpenAiJson.Default.ChatResponse);
                    await retries.KeepAsync(question.RequestId, new StoredAnswer(request, body));
                }

                if (one is not RouteEvent.Text)
                {
                    retries.End(question.RequestId);
                }

                await WriteAsync(events, one, reading);
            }
        }
        catch (Exception error)
        {
            // The caller hears of it, where it is still there.
            failure = error;
            Failed(logger, error, question.RequestId);
        }
        finally
        {
            retries.End(question.RequestId);
            events.TryComplete(failure);
        }
    }

    // Whoever has left reads no more, and the answer goes on without.
    private static async ValueTask WriteAsync(ChannelWriter<RouteEvent> events, RouteEvent one, CancellationToken reading)
    {
        try
        {
            await events.WriteAsync(one, reading);
        }
        catch (OperationCanceledException) when (reading.IsCancellationRequested)
        {
        }
    }

    [LoggerMessage(4003, LogLevel.Warning, "Request {RequestId} came to no answer.")]
    private static partial void Failed(ILogger logger, Exception error, string requestId);
}
