using System.Runtime.CompilerServices;
using FederatedDpLlm.Federation.Nodes.Links;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Protocol;
using FederatedDpLlm.Routing.Strategies;

namespace FederatedDpLlm.Routing;

/// <summary>
/// An answer whose noise one node draws. A node that cannot be reached costs nothing and the next is tried under the same hold; a node that was reached and
/// then failed may have drawn, so its hold is spent and the next draw needs a hold of its own. A question that breaks one node after another is given up.
/// </summary>
internal sealed class NodeNoiseAnswer(
    NodeDirectory nodes, QuotaGate quotas, RouterNoise noise, INodeSelectionStrategy strategy, TimeSpan timeout, TimeProvider clock, RouteJournal.Entry entry)
{
    /// <summary>Nodes that one question may break: each break is charged, and after so many the question is more likely at fault than they.</summary>
    public const int MostBroken = 3;

    private readonly HashSet<string> _tried = new(StringComparer.Ordinal);
    private RouteRefusal? _lastRefusal;
    private int _broken;

    public async IAsyncEnumerable<RouteEvent> AskAsync(
        RoutedQuestion question, AnswerPlan plan, bool buffered, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var holds = 0; ;)
        {
            var (hold, refusal) = await quotas.AdmitAsync(question, holds, plan, cancellationToken);
            if (hold is null)
            {
                yield return new RouteEvent.Refused(refusal!);
                yield break;
            }

            holds = hold.Number;
            var attempt = new DrawAttempt(hold, question, plan, buffered, entry, cancellationToken);
            await using (attempt)
            {
                await foreach (var one in DrawAsync(attempt, cancellationToken))
                {
                    yield return one;
                }

                if (attempt.IsOver)
                {
                    yield break;
                }

                _broken++;
                if (attempt.ShowedText)
                {
                    yield return new RouteEvent.Failed("The hospital's node broke off. What may have run is charged; ask again for a new answer.");
                    yield break;
                }
            }
        }
    }

    /// <summary>Asks node after node under one hold until one answers, one may have drawn, or none is left.</summary>
    private async IAsyncEnumerable<RouteEvent> DrawAsync(DrawAttempt attempt, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (!attempt.IsOver && !attempt.MayHaveDrawn)
        {
            var candidates = _broken < MostBroken ? NodeSelection.Candidates(nodes, attempt.Question, _tried) : [];
            if (candidates.Count == 0)
            {
                yield return await attempt.RefuseAsync(WhyNone(attempt.Question));
                yield break;
            }

            var chosen = strategy.Choose(candidates);
            _tried.Add(chosen.Id);
            await foreach (var one in AskNodeAsync(nodes[chosen.Id], attempt, cancellationToken))
            {
                yield return one;
            }
        }
    }

    private async IAsyncEnumerable<RouteEvent> AskNodeAsync(NodeLink link, DrawAttempt attempt, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var tracked = link.TryTrack(attempt.Question.Kind, attempt.Question.Caller.User);
        if (tracked is null)
        {
            // Another question tries it just now.
            yield break;
        }

        using var call = link.Client.Answer(attempt.Question.ToWire(attempt.Hold.Id), deadline: clock.GetUtcNow().UtcDateTime + timeout, cancellationToken: cancellationToken);
        var stream = new NodeStream<AnswerEvent>(link, tracked, call.ResponseStream);
        var texts = new NodeText(attempt.Question.Question);

        // From here on the request may have been sent; only a reply can prove that nothing was drawn.
        attempt.Sent(link.Id);
        for (var first = true; ; first = false)
        {
            var reply = await stream.NextAsync(cancellationToken);
            if (reply is NodeReply<AnswerEvent>.Broken { NeverSent: true })
            {
                attempt.NothingDrawn();
                yield break;
            }

            if (reply is not NodeReply<AnswerEvent>.Event { Value: var received } || !Follows(received, first, texts))
            {
                tracked.Broke();
                yield break;
            }

            switch (received.EventCase)
            {
                case AnswerEvent.EventOneofCase.Refused:
                    attempt.NothingDrawn();
                    if (await RefusedAsync(received.Refused, attempt, link.Id) is { } refused)
                    {
                        yield return refused;
                    }

                    yield break;
                case AnswerEvent.EventOneofCase.Text when attempt.Show(received.Text, received.Answer) is { } text:
                    yield return text;
                    break;
                case AnswerEvent.EventOneofCase.Completed:
                    tracked.Answered();
                    foreach (var last in await CompleteAsync(received.Completed, texts, attempt, link.Id))
                    {
                        yield return last;
                    }

                    yield break;
            }
        }
    }

    private RouteRefusal WhyNone(RoutedQuestion question) => _broken == MostBroken
        ? new RouteRefusal.Unavailable($"{MostBroken} hospitals' nodes, one after another, broke at this question: it is given up. Ask another way, or have an operator look at the nodes.")
        : _lastRefusal ?? new RouteRefusal.Unavailable(NodeSelection.WhyNone(nodes, question));

    // Who refuses or admits after it began, sends no text or too much of it, or ends without an answer has broken off: what it may have drawn is charged.
    private static bool Follows(AnswerEvent received, bool first, NodeText texts) => received.EventCase switch
    {
        AnswerEvent.EventOneofCase.Admitted or AnswerEvent.EventOneofCase.Refused => first,
        AnswerEvent.EventOneofCase.Text => received.Text.Length > 0 && texts.Fits(received.Text, received.Answer),
        AnswerEvent.EventOneofCase.Completed => texts.IsWhole,
        _ => false,
    };

    /// <returns>The final refusal, or null where another node may do better.</returns>
    private async Task<RouteEvent?> RefusedAsync(Refusal refusal, DrawAttempt attempt, string hospital)
    {
        _lastRefusal = NodeRefusals.Read(refusal, hospital);
        return _lastRefusal is RouteRefusal.Invalid ? await attempt.RefuseAsync(_lastRefusal) : null;
    }

    private async Task<IReadOnlyList<RouteEvent>> CompleteAsync(Completion completion, NodeText texts, DrawAttempt attempt, string node)
    {
        var plan = noise.Plan(attempt.Question.Question, Math.Clamp(completion.Voters, 1, NodeClaims.MostVoters)).Plan ?? attempt.Plan;
        var ran = CompletionWire.Costs(completion, plan, texts);
        var (accounts, auditEntry) = await attempt.Hold.CommitAsync(ran, [node]);
        attempt.End();
        var done = new RouteEvent.Completed(new RouteCompletion(
            [node], strategy.Name, AnswerCost.Sum(ran), [.. accounts, .. CompletionWire.Accounts(completion, node)], plan.Voters, auditEntry,
            plan.FreeReason, CompletionWire.Finishes(completion, plan.Question.Answers), CompletionWire.PromptTokens(completion), CompletionWire.Tokens(completion)));
        return [.. attempt.TakeHeldBack(), done];
    }
}
