using FederatedDpLlm.Budgets;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Inference;

/// <summary>What an answer takes from an account, in the account's own currency, rounded up.</summary>
public static class AnswerCharges
{
    /// <param name="policy">The account; its currency decides how the cost adds up.</param>
    /// <param name="cost">Of one hospital's patient.</param>
    /// <param name="factor">How many such costs are charged: 1 on a quota; <see cref="PatientSpread.Factor"/> on a data account.</param>
    public static BudgetUnits On(AccountPolicy policy, AnswerCost cost, int factor) => policy.Currency.CostOf(new RepeatedEvent(cost.Released, factor));

    /// <summary>
    /// The most that an answer can take from a quota, whatever the number of voters: how many there are (and so how the clip rounds) is known only once hospitals
    /// have taken the question. For private decoding that is the asked epsilon itself, or the rho that it affords.
    /// </summary>
    /// <param name="policy">The quota, at the question's own delta.</param>
    /// <param name="plan">A plan for any number of voters.</param>
    public static BudgetUnits Most(AccountPolicy policy, AnswerPlan plan) => plan.Question.Mechanism != AnswerMechanism.PrivateDecoding
        ? On(policy, plan.Cost, 1)
        : policy.Composition == Composition.Basic
            ? BudgetUnits.OfCost(plan.Question.Epsilon.Value)
            : policy.Currency.CostOf(new ZeroConcentratedEvent(ZeroConcentrated.RhoFor(plan.Question.Epsilon, plan.Question.Delta), NeighbouringRelation.ReplaceOne));
}
