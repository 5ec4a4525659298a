using FederatedDpLlm.Budgets;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Calibration;

namespace FederatedDpLlm.Cli.Commands;

/// <summary>An account as <c>budget show</c> prints it: amounts in its own currency for the eyes, in units for whoever adds up, spent and remaining also as
/// the epsilon that such a sum alone would mean; of a quota that refills also what a year of it adds up to for the people in the data (zCDP, at the account's delta).</summary>
internal sealed record ShownAccount(
    string Ledger, string Id, string Kind, string Composition, string Currency, double Epsilon, double Delta, double Budget, double Spent, double Reserved, double Remaining,
    double SpentEpsilon, double RemainingEpsilon, long BudgetUnits, long SpentUnits, long ReservedUnits, long RemainingUnits, string Reset, DateTimeOffset? ResetsAt,
    double? YearEpsilon)
{
    public static ShownAccount Of(string ledger, AccountState state)
    {
        var policy = state.Policy;
        return new ShownAccount(
            ledger, policy.Id.Value, policy.Kind.ToString().ToLowerInvariant(), policy.Composition.ToString().ToLowerInvariant(), AccountWire.CurrencyName(policy.Composition), policy.Epsilon, policy.Delta,
            state.Budget.ToDouble(), state.Spent.ToDouble(), state.Reserved.ToDouble(), state.Remaining.ToDouble(),
            policy.Currency.EpsilonOf(state.Spent), policy.Currency.EpsilonOf(state.Remaining), state.Budget.Value, state.Spent.Value, state.Reserved.Value, state.Remaining.Value,
            policy.Reset.ToString().ToLowerInvariant(), state.ResetsAt, AfterAYear(policy));
    }

    private static double? AfterAYear(AccountPolicy policy)
    {
        var windows = policy.Reset switch { ResetSchedule.Daily => 365, ResetSchedule.Weekly => 52, ResetSchedule.Monthly => 12, _ => 0 };
        return windows == 0 ? null : ResetGrowth.After(new Epsilon(policy.Epsilon), new Delta(policy.Delta), windows, new Delta(policy.Delta)).ConcentratedEpsilon;
    }
}
