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
    /// <param name="question">What is asked, for the first time under its id.</param>
    /// <param name="request">The request's fingerprint.</param>
    /// <param name="buffered">As <see cref="FederatedRouter.AskAsync"/> has it.</param>
    /// <param name="cancellationToken">The caller's going away: it ends the reading, and the answer only where that costs nothing.</param>
    public IAsyncEnumerable<RouteEvent> AskAsync(RoutedQuestion question, byte[] request, bool buffered, CancellationToken cancellationToken)
    {
        var events = Channel.CreateUnbounded<RouteEvent>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        // What costs nothing is not worth finishing for nobody.
        var ends = question.Question.Mechanism == AnswerMechanism.Public ? cancellationToken : lifetime.ApplicationStopping;
        _ = FinishAsync(question, request, buffered, events.Writer, ends);
        return events.Reader.ReadAllAsync(cancellationToken);
    }

    private async Task FinishAsync(RoutedQuestion question, byte[] request, bool buffered, ChannelWriter<RouteEvent> events, CancellationToken cancellationToken)
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

                events.TryWrite(one);
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

    [LoggerMessage(4003, LogLevel.Warning, "Request {RequestId} came to no answer.")]
    private static partial void Failed(ILogger logger, Exception error, string requestId);
}
