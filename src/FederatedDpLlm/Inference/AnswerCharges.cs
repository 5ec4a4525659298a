using FederatedDpLlm.Budgets;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Inference;

/// <summary>What an answer takes from an account, in the account's own currency, rounded up.</summary>
public static class AnswerCharges
{
    /// <param name="policy">The account; its currency decides how a cost adds up.</param>
    /// <param name="costs">Of one hospital's patient, one an answer: n answers are charged as n questions would be.</param>
    /// <param name="factor">How many such costs are charged: 1 on a quota; <see cref="PatientSpread.Factor"/> on a data account.</param>
    public static BudgetUnits On(AccountPolicy policy, IReadOnlyList<AnswerCost> costs, int factor) => costs.Aggregate(
        BudgetUnits.Zero, (sum, cost) => sum + policy.Currency.CostOf(new RepeatedEvent(cost.Released, factor)));

    /// <summary>
    /// The most that an answer can take from a quota, whatever the number of voters: how many there are (and so how the clip rounds) is known only once hospitals
    /// have taken the question. For private decoding that is the asked epsilon itself, or the rho that it affords.
    /// </summary>
    /// <param name="policy">The quota, at the question's own delta.</param>
    /// <param name="plan">A plan for any number of voters.</param>
    public static BudgetUnits Most(AccountPolicy policy, AnswerPlan plan) =>
        Enumerable.Repeat(MostOfOne(policy, plan), plan.Question.Answers).Aggregate(BudgetUnits.Zero, (sum, one) => sum + one);

    private static BudgetUnits MostOfOne(AccountPolicy policy, AnswerPlan plan) => plan.Question.Mechanism != AnswerMechanism.PrivateDecoding
        ? On(policy, [plan.Cost], 1)
        : policy.Composition == Composition.Basic
            ? BudgetUnits.OfCost(plan.Question.Epsilon.Value)
            : policy.Currency.CostOf(new ZeroConcentratedEvent(ZeroConcentrated.RhoFor(plan.Question.Epsilon, plan.Question.Delta), NeighbouringRelation.ReplaceOne));
}
