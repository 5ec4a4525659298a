using FederatedDpLlm.Budgets;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Security.Audit;
using FederatedDpLlm.Security.Authentication;

namespace FederatedDpLlm.Routing;

/// <summary>
/// Admission: every quota of a question (user, department, purpose, global) holds its cost, durably and together, or the question is refused. Each decision is one entry of
/// the audit log, durable before anybody learns of it.
/// </summary>
public sealed class QuotaGate(IBudgetLedger ledger, IQuotaPolicy policy)
{
    // Whoever repeats an id that nobody can answer meets an end.
    private const int MostHolds = 32;

    /// <param name="question">What is asked.</param>
    /// <param name="after">The number of the question's last hold, 0 for its first: a draw after a failed one is a new charge under a new number.</param>
    /// <param name="plan">Its price.</param>
    /// <param name="cancellationToken">Before the admission is durable.</param>
    public async Task<(QuotaHold? Hold, RouteRefusal? Refusal)> AdmitAsync(RoutedQuestion question, int after, AnswerPlan plan, CancellationToken cancellationToken)
    {
        if (plan.FreeReason is not null)
        {
            var number = after + 1;
            var id = IdOf(question, number);
            await ledger.RecordAsync(Entry(question, id, AuditDecision.Admitted, [], [], plan.FreeReason), cancellationToken);
            return (new QuotaHold(ledger, id, number, [], question, plan), null);
        }

        var policies = policy.AccountsFor(question.Caller.User, question.Caller.Department, question.Purpose);
        if (policies is null)
        {
            // A purpose that no quota knows is the caller's own word, and no word for the log.
            return (null, await RefuseAsync(question with { Purpose = string.Empty }, new RouteRefusal.Invalid("privacy.purpose", "This purpose or department has no quota in the policy.")));
        }

        List<Charge> charges;
        try
        {
            charges = [.. policies.Select(account => new Charge(account.Id, AnswerCharges.Most(account, plan)))];
        }
        catch (Exception error) when (error is ArgumentOutOfRangeException or OverflowException)
        {
            return (null, await RefuseAsync(question, new RouteRefusal.Invalid("privacy.epsilon", "All answers together cost more than any budget can hold: ask for less epsilon or fewer answers.")));
        }

        return await EnsureAsync(policies, cancellationToken)
            ? await ReserveAsync(question, after, plan, policies, charges, cancellationToken)
            : (null, await RefuseAsync(question, new RouteRefusal.Unavailable("A quota of this question changes its currency: it counts again when its window ends.")));
    }

    /// <summary>Records a question that was turned away before any account was asked.</summary>
    public async Task<RouteRefusal> RefuseAsync(RoutedQuestion question, RouteRefusal refusal)
    {
        await ledger.RecordAsync(Entry(question, question.RequestId, AuditDecision.Refused, [], [], refusal.Code), CancellationToken.None);
        return refusal;
    }

    /// <summary>Records a request of a known caller that was turned away before it could be read as a question.</summary>
    /// <param name="caller">Who asked.</param>
    /// <param name="requestId">The request.</param>
    /// <param name="reason">A code of ours.</param>
    /// <param name="parameter">The field at fault, as the API names it; empty where none is. Nothing that the caller wrote.</param>
    public Task RefuseAsync(Caller caller, string requestId, string reason, string parameter = "") => ledger.RecordAsync(
        new AuditRecord(requestId, AuditDecision.Refused, caller.User, new Dictionary<string, string>
        {
            ["mechanism"] = string.Empty,
            ["epsilon"] = "0",
            ["strategy"] = string.Empty,
            ["department"] = caller.Department,
            ["reason"] = reason,
            ["parameter"] = parameter,
        }),
        CancellationToken.None);

    /// <summary>Records that a question gets the answer once more that it has paid for.</summary>
    public Task<long> RepeatAsync(RoutedQuestion question, CancellationToken cancellationToken) =>
        ledger.RecordAsync(Entry(question, question.RequestId, AuditDecision.Answered, [], [], "stored-answer"), cancellationToken);

    internal static AuditRecord Entry(RoutedQuestion question, string id, AuditDecision decision, IReadOnlyList<AnswerCost> costs, IReadOnlyList<string> nodes, string? reason) =>
        new AuditRecord(id, decision, question.Caller.User, AnswerAudit.Details(question.Question, costs, question.Trust, nodes, question.Caller.Department, question.Purpose, reason))
            .With(decision, ("strategy", question.Strategy ?? string.Empty));

    private static string IdOf(RoutedQuestion question, int number) => number == 1 ? question.RequestId : $"{question.RequestId}#{number}";

    /// <returns>False where an account was opened in another currency and has spent in it.</returns>
    private async Task<bool> EnsureAsync(IEnumerable<AccountPolicy> policies, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var account in policies)
            {
                await ledger.EnsureAccountAsync(account, cancellationToken);
            }

            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private async Task<(QuotaHold? Hold, RouteRefusal? Refusal)> ReserveAsync(
        RoutedQuestion question, int after, AnswerPlan plan, IReadOnlyList<AccountPolicy> policies, IReadOnlyList<Charge> charges, CancellationToken cancellationToken)
    {
        for (var number = after + 1; ; number++)
        {
            // An earlier try under this id was turned away before anything was drawn: the caller may try again, under the next number.
            var next = number < MostHolds;
            var id = IdOf(question, number);
            switch (await ledger.ReserveAsync(
                id, charges, Entry(question, id, AuditDecision.Admitted, plan.Costs, [], null), outcome => !next || outcome is not ReserveOutcome.AlreadySeen { Returned: true }, cancellationToken))
            {
                case ReserveOutcome.Reserved:
                    return (new QuotaHold(ledger, id, number, policies, question, plan), null);
                case ReserveOutcome.Exhausted exhausted:
                    return (null, new RouteRefusal.QuotaExhausted(exhausted.Account, exhausted.Asked, Describe(exhausted)));
                case ReserveOutcome.AlreadySeen { Returned: true } when next:
                    continue;
                case ReserveOutcome.AlreadySeen:
                    return (null, new RouteRefusal.Duplicate("This request id was used before and its answer is not kept. What it drew is charged; a new question needs a new id."));
                default:
                    return (null, new RouteRefusal.Unavailable("An account of this question is not known."));
            }
        }
    }

    private static string Describe(ReserveOutcome.Exhausted exhausted)
    {
        var account = exhausted.Account;
        var resets = account.ResetsAt is { } at ? $" It resets at {at:yyyy-MM-dd'T'HH:mm:ss'Z'}." : string.Empty;
        return FormattableString.Invariant(
            $"The quota {account.Policy.Id} has {account.Remaining.ToDouble():0.######} {AccountWire.CurrencyName(account.Policy.Composition)} left and cannot hold {exhausted.Asked.ToDouble():0.######}.{resets}");
    }
}
