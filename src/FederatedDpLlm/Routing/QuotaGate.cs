using FederatedDpLlm.Budgets;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Security.Audit;

namespace FederatedDpLlm.Routing;

/// <summary>Admission: every quota of a question (user, department, purpose, global) holds its cost, durably and together, or the question is refused.</summary>
public sealed class QuotaGate(IBudgetLedger ledger, IQuotaPolicy policy)
{
    /// <param name="question">What is asked.</param>
    /// <param name="attempt">1 for the first draw of noise; a draw after a failed one is a new charge.</param>
    /// <param name="plan">Its price.</param>
    public async Task<(QuotaHold? Hold, RouteRefusal? Refusal)> ReserveAsync(
        RoutedQuestion question, int attempt, AnswerPlan plan, CancellationToken cancellationToken)
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

        var id = attempt == 1 ? question.RequestId : $"{question.RequestId}#{attempt}";
        var charges = policies.Select(account => new Charge(account.Id, AnswerCharges.Most(account, plan))).ToList();
        var outcome = await ledger.ReserveAsync(id, charges, Entry(question, id, AuditDecision.Admitted, plan.Cost, []), cancellationToken);
        return outcome switch
        {
            ReserveOutcome.Reserved => (new QuotaHold(ledger, id, policies, question, plan), null),
            ReserveOutcome.Exhausted exhausted => (null, new RouteRefusal.QuotaExhausted(exhausted.Account, exhausted.Asked, Describe(exhausted))),
            ReserveOutcome.AlreadySeen => (null, new RouteRefusal.Duplicate("This request id was used before. A new question needs a new id.")),
            _ => (null, new RouteRefusal.Unavailable("An account of this question is not known.")),
        };
    }

    /// <summary>Records an answer that moves no account, with its reason.</summary>
    public Task<long> RecordFreeAsync(RoutedQuestion question, IReadOnlyList<string> nodes, CancellationToken cancellationToken) =>
        ledger.RecordAsync(Entry(question, question.RequestId, AuditDecision.Answered, AnswerCost.Free, nodes), cancellationToken);

    /// <summary>Records a question that broke off or was turned away without any account being asked.</summary>
    public Task RecordAsync(RoutedQuestion question, AuditDecision decision) =>
        ledger.RecordAsync(Entry(question, question.RequestId, decision, AnswerCost.Free, []), CancellationToken.None);

    internal static AuditRecord Entry(RoutedQuestion question, string id, AuditDecision decision, AnswerCost cost, IReadOnlyList<string> nodes) =>
        new(id, decision, question.Caller.User, AnswerAudit.Details(question.Question, cost, question.Trust, nodes, question.Caller.Department, question.Purpose));

    private static string Describe(ReserveOutcome.Exhausted exhausted)
    {
        var account = exhausted.Account;
        var resets = account.ResetsAt is { } at ? $" It resets at {at:yyyy-MM-dd'T'HH:mm:ss'Z'}." : string.Empty;
        return FormattableString.Invariant(
            $"The quota '{account.Policy.Id}' has {account.Remaining.ToDouble():0.######} {AccountWire.CurrencyName(account.Policy.Composition)} left and cannot hold {exhausted.Asked.ToDouble():0.######}.{resets}");
    }
}
