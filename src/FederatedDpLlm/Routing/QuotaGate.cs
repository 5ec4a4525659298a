using FederatedDpLlm.Budgets;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Security.Audit;

namespace FederatedDpLlm.Routing;

/// <summary>Admission: every quota of a question (user, department, purpose, global) holds its cost, durably and together, or the question is refused.</summary>
public sealed class QuotaGate(IBudgetLedger ledger, IQuotaPolicy policy)
{
    // Each is an entry of the log: whoever repeats an id that nobody can answer meets an end.
    private const int MostHolds = 32;

    /// <param name="question">What is asked.</param>
    /// <param name="after">The number of the question's last hold, 0 for its first: a draw after a failed one is a new charge under a new number.</param>
    /// <param name="plan">Its price.</param>
    public async Task<(QuotaHold? Hold, RouteRefusal? Refusal)> ReserveAsync(
        RoutedQuestion question, int after, AnswerPlan plan, CancellationToken cancellationToken)
    {
        var policies = policy.AccountsFor(question.Caller.User, question.Caller.Department, question.Purpose);
        if (policies is null)
        {
            return (null, new RouteRefusal.Invalid("privacy.purpose", "This purpose or department has no quota in the policy."));
        }

        foreach (var account in policies)
        {
            await ledger.EnsureAccountAsync(account, cancellationToken);
        }

        var charges = policies.Select(account => new Charge(account.Id, AnswerCharges.Most(account, plan))).ToList();
        for (var number = after + 1; ; number++)
        {
            var id = number == 1 ? question.RequestId : $"{question.RequestId}#{number}";
            switch (await ledger.ReserveAsync(id, charges, Entry(question, id, AuditDecision.Admitted, plan.Costs, []), cancellationToken))
            {
                case ReserveOutcome.Reserved:
                    return (new QuotaHold(ledger, id, number, policies, question, plan), null);
                case ReserveOutcome.Exhausted exhausted:
                    return (null, new RouteRefusal.QuotaExhausted(exhausted.Account, exhausted.Asked, Describe(exhausted)));
                case ReserveOutcome.AlreadySeen { Returned: true } when number < MostHolds:
                    // An earlier try under this id was turned away before anything was drawn: the caller may try again.
                    continue;
                case ReserveOutcome.AlreadySeen:
                    return (null, new RouteRefusal.Duplicate("This request id was used before and its answer is not kept. What it drew is charged; a new question needs a new id."));
                default:
                    return (null, new RouteRefusal.Unavailable("An account of this question is not known."));
            }
        }
    }

    /// <summary>Records an answer that moves no account, with its reason.</summary>
    public Task<long> RecordFreeAsync(RoutedQuestion question, IReadOnlyList<string> nodes, string reason, CancellationToken cancellationToken) =>
        ledger.RecordAsync(Entry(question, question.RequestId, AuditDecision.Answered, [], nodes, reason), cancellationToken);

    /// <summary>Records a question that broke off or was turned away without any account being asked.</summary>
    public Task RecordAsync(RoutedQuestion question, AuditDecision decision) =>
        ledger.RecordAsync(Entry(question, question.RequestId, decision, [], []), CancellationToken.None);

    internal static AuditRecord Entry(RoutedQuestion question, string id, AuditDecision decision, IReadOnlyList<AnswerCost> costs, IReadOnlyList<string> nodes, string? freeReason = null) =>
        new(id, decision, question.Caller.User, AnswerAudit.Details(question.Question, costs, question.Trust, nodes, question.Caller.Department, question.Purpose, freeReason));

    private static string Describe(ReserveOutcome.Exhausted exhausted)
    {
        var account = exhausted.Account;
        var resets = account.ResetsAt is { } at ? $" It resets at {at:yyyy-MM-dd'T'HH:mm:ss'Z'}." : string.Empty;
        return FormattableString.Invariant(
            $"The quota {account.Policy.Id} has {account.Remaining.ToDouble():0.######} {AccountWire.CurrencyName(account.Policy.Composition)} left and cannot hold {exhausted.Asked.ToDouble():0.######}.{resets}");
    }
}
