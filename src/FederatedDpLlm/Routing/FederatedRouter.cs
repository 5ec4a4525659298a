using System.Runtime.CompilerServices;
using FederatedDpLlm.Federation.Nodes.Links;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Routing.Strategies;

namespace FederatedDpLlm.Routing;

/// <summary>
/// One question's way: price, hold the quotas, choose a node, answer, charge what ran. The noise is drawn at the node, or here where the hospitals trust it.
/// </summary>
/// <remarks>The specification's Federated Router.</remarks>
public sealed class FederatedRouter(
    NodeDirectory nodes, QuotaGate quotas, IEnumerable<INodeSelectionStrategy> strategies, RouterNoise routerNoise, RoutingOptions options, RouteJournal journal, TimeProvider clock)
{
    private readonly Dictionary<string, INodeSelectionStrategy> _strategies = strategies.ToDictionary(strategy => strategy.Name, StringComparer.Ordinal);

    public IReadOnlyCollection<string> Strategies => _strategies.Keys;

    /// <summary>Models that a healthy node serves.</summary>
    public IReadOnlyList<string> Models =>
        [.. nodes.Snapshots.Where(node => node.Healthy && node.Status is not null).Select(node => node.Status!.Model).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <param name="question">What is asked.</param>
    /// <param name="buffered">
    /// Whether text is held back until the answer is whole, so that a node's death in the middle can still fail over. A stream that has shown text cannot.
    /// </param>
    /// <param name="cancellationToken">The caller's going away. What was admitted is charged all the same.</param>
    public async IAsyncEnumerable<RouteEvent> AskAsync(RoutedQuestion question, bool buffered, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var entry = journal.Begin(question);
        try
        {
            await foreach (var one in RouteAsync(question, buffered, entry, cancellationToken))
            {
                entry.See(one);
                yield return entry.LostCost is { } lost ? WithLost(one, lost) : one;
            }
        }
        finally
        {
            entry.Close();
        }
    }

    private async IAsyncEnumerable<RouteEvent> RouteAsync(
        RoutedQuestion question, bool buffered, RouteJournal.Entry entry, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!_strategies.TryGetValue(question.Strategy ?? options.Strategy, out var strategy))
        {
            // Not by the name that was asked for: the log holds no words of the caller's.
            yield return new RouteEvent.Refused(await quotas.RefuseAsync(
                question with { Strategy = null }, new RouteRefusal.Invalid("privacy.strategy", $"One of {string.Join(", ", _strategies.Keys)}.")));
            yield break;
        }

        var priced = routerNoise.Plan(question.Question, 1);
        var free = question.Question.Mechanism == AnswerMechanism.Public;
        var all = question.Trust == NoisePlace.Router && !free;

        // What costs nothing moves no data account: sorted by accounts, all of it would go to one hospital.
        strategy = free && strategy is PrivacyAwareStrategy ? _strategies.Values.OfType<LoadBalancedStrategy>().FirstOrDefault() ?? strategy : strategy;
        question = question with { Strategy = all ? RouterNoiseAnswer.Strategy : strategy.Name };
        if (!priced.IsPlanned)
        {
            yield return new RouteEvent.Refused(await quotas.RefuseAsync(question, new RouteRefusal.Invalid(priced.Refusal.Parameter, priced.Refusal.Message)));
            yield break;
        }

        var deadline = TimeSpan.FromSeconds(options.AnswerTimeoutSeconds);
        var events = all
            ? new RouterNoiseAnswer(nodes, quotas, routerNoise, deadline, clock, entry).AskAsync(question, priced.Plan, cancellationToken)
            : new NodeNoiseAnswer(nodes, quotas, routerNoise, strategy, deadline, clock, entry).AskAsync(question, priced.Plan, buffered, cancellationToken);
        await foreach (var one in events)
        {
            yield return one;
        }
    }

    // Whoever pays for a draw that came to nothing is told.
    private static RouteEvent WithLost(RouteEvent one, AnswerCost lost) => one switch
    {
        RouteEvent.Completed completed => new RouteEvent.Completed(completed.Completion with { Lost = lost }),
        RouteEvent.Refused refused => new RouteEvent.Refused(refused.Refusal with
        {
            Lost = lost,
            Message = FormattableString.Invariant($"{refused.Refusal.Message} An earlier draw of this request came to no answer and is charged: epsilon {lost.Epsilon.Value:0.######}."),
        }),
        _ => one,
    };
}
