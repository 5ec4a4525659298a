using System.Runtime.CompilerServices;
using FederatedDpLlm.Federation.Nodes.Links;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Protocol;

namespace FederatedDpLlm.Routing;

/// <summary>
/// An answer over all hospitals that trust the router: their votes or clipped sums are added up here and noise is drawn once. Every hospital holds the
/// question before any of them computes; one that refuses, or serves another model, is left out, and the others return their holds and are asked again with fewer voters.
/// </summary>
internal sealed class RouterNoiseAnswer(NodeDirectory nodes, QuotaGate quotas, RouterNoise noise, TimeSpan timeout, TimeProvider clock, RouteJournal.Entry entry)
{
    /// <summary>What answers say of how their hospitals were chosen.</summary>
    public const string Strategy = "all-hospitals";

    // An option has at most 256 characters; its tokens are no more than its bytes.
    private const int MostOptionTokens = 1024;

    // For a hospital's word that it holds the question: everybody else's accounts are held while it is waited for.
    private static readonly TimeSpan AdmissionTimeout = TimeSpan.FromSeconds(5);
    private readonly HashSet<string> _left = new(StringComparer.Ordinal);
    private readonly List<Contribution> _contributions = [];
    private RouteRefusal? _lastRefusal;

    public async IAsyncEnumerable<RouteEvent> AskAsync(RoutedQuestion question, AnswerPlan priced, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (hold, refusal) = await quotas.AdmitAsync(question, 0, priced, cancellationToken);
        if (hold is null)
        {
            yield return new RouteEvent.Refused(refusal!);
            yield break;
        }

        await using var attempt = new DrawAttempt(hold, question, priced, false, entry, cancellationToken);
        try
        {
            if (!await OpenAllAsync(question, hold, attempt, cancellationToken))
            {
                yield return await attempt.RefuseAsync(_lastRefusal ?? new RouteRefusal.Unavailable(NodeSelection.WhyNone(nodes, question)));
                yield break;
            }

            var plan = noise.Plan(question.Question, _contributions.Sum(one => one.Voters)).Plan
                ?? throw new InvalidOperationException("A question that was priced can be planned.");
            var pieces = question.Question.Mechanism == AnswerMechanism.Choice ? ChooseAsync(attempt, plan, cancellationToken) : DecodeAsync(attempt, plan, cancellationToken);
            await using var reading = pieces.GetAsyncEnumerator(cancellationToken);
            while (true)
            {
                RouteEvent? next;
                try
                {
                    next = await reading.MoveNextAsync() ? reading.Current : null;
                }
                catch (InvalidPartException)
                {
                    next = new RouteEvent.Failed("A hospital's node broke off or sent what does not fit. What may have run is charged.");
                }

                if (next is null)
                {
                    yield break;
                }

                yield return next;
                if (next is RouteEvent.Failed)
                {
                    yield break;
                }
            }
        }
        finally
        {
            CloseAll();
        }
    }

    private async Task<bool> OpenAllAsync(RoutedQuestion question, QuotaHold hold, DrawAttempt attempt, CancellationToken cancellationToken)
    {
        for (var round = 1; ; round++)
        {
            Begin(question, cancellationToken);
            if (_contributions.Count == 0)
            {
                return false;
            }

            var voters = _contributions.Sum(one => one.Voters);
            var request = question.ToWire(round == 1 ? hold.Id : $"{hold.Id}~{round}");
            using var patience = new CancellationTokenSource(AdmissionTimeout, clock);
            var refusals = await Task.WhenAll(_contributions.Select(one => one.OpenAsync(request, voters, patience.Token, cancellationToken)));
            if (_contributions.TrueForAll(one => one.IsAdmitted))
            {
                // From here on one of them may have computed, whatever becomes of the others.
                attempt.Sent([.. _contributions.Select(one => one.Node)]);
                await Task.WhenAll(_contributions.Select(one => one.ProceedAsync(cancellationToken)));
                return true;
            }

            _left.UnionWith(_contributions.Where(one => !one.IsAdmitted).Select(one => one.Node));
            _lastRefusal = refusals.LastOrDefault(why => why is not null) ?? _lastRefusal;
            CloseAll();
        }
    }

    private void Begin(RoutedQuestion question, CancellationToken cancellationToken)
    {
        var deadline = clock.GetUtcNow().UtcDateTime + timeout;
        foreach (var node in NodeSelection.OfOneModel(NodeSelection.Candidates(nodes, question, _left)))
        {
            if (nodes[node.Id].TryTrack(question.Kind, question.Caller.User) is { } tracked)
            {
                _contributions.Add(new Contribution(nodes[node.Id], node.Status!, tracked, deadline, cancellationToken));
            }
        }
    }

    private async IAsyncEnumerable<RouteEvent> ChooseAsync(DrawAttempt attempt, AnswerPlan plan, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var votes = await Task.WhenAll(_contributions.Select(one => one.VotesAsync(cancellationToken)));
        var options = Enumerable.Range(0, plan.Question.Answers).Select(_ => Blaming(() => noise.Choose(plan, votes))).ToList();
        var tokens = options.Sum(option => Math.Clamp(votes[0].OptionTokens.ElementAtOrDefault(option), 1, MostOptionTokens));
        var completed = await CompleteAsync(attempt, plan, plan.Costs, [.. options.Select(_ => FinishReason.Stop)], tokens, cancellationToken);
        foreach (var (answer, option) in options.Index())
        {
            yield return new RouteEvent.Text(plan.Question.Choices[option], answer);
        }

        yield return completed;
    }

    private async IAsyncEnumerable<RouteEvent> DecodeAsync(DrawAttempt attempt, AnswerPlan plan, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (ran, finishes) = (new List<AnswerCost>(), new List<FinishReason>());
        var texts = new NodeText(plan.Question);
        for (var answer = 0; answer < plan.Question.Answers; answer++)
        {
            var drawing = noise.OpenDecoding(plan);
            var stop = new StopTexts(plan.Question.Stop);
            var over = false;
            while (!over)
            {
                var steps = await Task.WhenAll(_contributions.Select(one => one.StepAsync(cancellationToken)));
                if (!texts.Fits(_contributions[0].Text, answer))
                {
                    _contributions[0].Broke();
                    throw new InvalidPartException($"{_contributions[0].Node} sent more text than the longest answer holds");
                }

                if (stop.Push(_contributions[0].Text) is { Length: > 0 } text)
                {
                    yield return attempt.Show(text, answer)!;
                }

                over = stop.Found || Array.Exists(steps, step => step is null);
                if (!over)
                {
                    var token = Draw(drawing, steps!, plan);
                    await Task.WhenAll(_contributions.Select(one => one.SendTokenAsync(token, cancellationToken)));
                }
                else if (Array.TrueForAll(steps, step => step is not null) && answer + 1 < plan.Question.Answers)
                {
                    await Task.WhenAll(_contributions.Select(one => one.EndAnswerAsync(cancellationToken)));
                }
            }

            if (stop.Rest() is { Length: > 0 } rest)
            {
                yield return attempt.Show(rest, answer)!;
            }

            ran.Add(drawing.Cost);
            finishes.Add(stop.Found ? FinishReason.Stop : _contributions[0].Finish);
        }

        yield return await CompleteAsync(attempt, plan, ran, finishes, null, cancellationToken);
    }

    // After the longest answer's last token every honest node says that the answer is over.
    private int Draw(RouterDecoding drawing, Inference.DecodingStep[] steps, AnswerPlan plan) => Blaming(() =>
        drawing.Tokens < plan.Question.MaxTokens ? drawing.Draw(steps) : throw new InvalidPartException("The nodes sent a step after the last token."));

    // A part that does not fit counts against its node. Where two differ nobody knows who is wrong, and each such answer is charged to all of them: it counts against all.
    private T Blaming<T>(Func<T> draw)
    {
        try
        {
            return draw();
        }
        catch (InvalidPartException error)
        {
            _contributions.Where((_, index) => error.Part is null || error.Part == index).ToList().ForEach(one => one.Broke());
            throw;
        }
    }

    private async Task<RouteEvent> CompleteAsync(
        DrawAttempt attempt, AnswerPlan plan, IReadOnlyList<AnswerCost> ran, IReadOnlyList<FinishReason> finishes, int? tokens, CancellationToken cancellationToken)
    {
        await Task.WhenAll(_contributions.Where(one => one.Completion is null).Select(one => one.CompleteAsync(cancellationToken)));
        var names = _contributions.Select(one => one.Node).ToList();
        var first = _contributions[0].Completion!;
        var (accounts, auditEntry) = await attempt.Hold.CommitAsync(ran, names);
        attempt.End();
        return new RouteEvent.Completed(new RouteCompletion(
            names, Strategy, AnswerCost.Sum(ran), [.. accounts, .. _contributions.SelectMany(one => CompletionWire.Accounts(one.Completion!, one.Node))], plan.Voters, auditEntry, null,
            finishes, CompletionWire.PromptTokens(first), tokens ?? CompletionWire.Tokens(first)));
    }

    private void CloseAll()
    {
        _contributions.ForEach(one => one.Dispose());
        _contributions.Clear();
    }
}
