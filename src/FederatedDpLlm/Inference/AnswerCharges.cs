using FederatedDpLlm.Budgets;
using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Inference;

/// <summary>What an answer takes from an account, in the account's own currency, rounded up.</summary>
public static class AnswerCharges
{
    /// <param name="policy">The account; its currency decides how the cost adds up.</param>
    /// <param name="cost">Of one hospital's patient.</param>
    /// <param name="factor">How many such costs are charged: 1 on a quota; <see cref="PatientSpread.Factor"/> on a data account.</param>
    public static BudgetUnits On(AccountPolicy policy, AnswerCost cost, int factor) => policy.Currency.CostOf(new RepeatedEvent(cost.Released, factor));
}
