using FederatedDpLlm.Budgets;

namespace FederatedDpLlm.Cli.Commands;

/// <summary>An account as <c>budget show</c> prints it: amounts in its own currency for the eyes, in units for whoever adds up, spent and remaining also as
/// the epsilon that such a sum alone would mean.</summary>
internal sealed record ShownAccount(
    string Ledger, string Id, string Kind, string Composition, double Epsilon, double Delta, double Budget, double Spent, double Reserved, double Remaining,
    double SpentEpsilon, double RemainingEpsilon, long BudgetUnits, long SpentUnits, long ReservedUnits, long RemainingUnits, string Reset, DateTimeOffset? ResetsAt)
{
    public static ShownAccount Of(string ledger, AccountState state)
    {
        var policy = state.Policy;
        return new ShownAccount(
            ledger, policy.Id.Value, policy.Kind.ToString().ToLowerInvariant(), policy.Composition.ToString().ToLowerInvariant(), policy.Epsilon, policy.Delta,
            state.Budget.ToDouble(), state.Spent.ToDouble(), state.Reserved.ToDouble(), state.Remaining.ToDouble(),
            policy.Currency.EpsilonOf(state.Spent), policy.Currency.EpsilonOf(state.Remaining), state.Budget.Value, state.Spent.Value, state.Reserved.Value, state.Remaining.Value,
            policy.Reset.ToString().ToLowerInvariant(), state.ResetsAt);
    }
}
