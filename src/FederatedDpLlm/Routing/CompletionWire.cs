using FederatedDpLlm.Budgets;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Protocol;

namespace FederatedDpLlm.Routing;

/// <summary>Reads what a node says of its own answer. A figure that cannot be is read as the most that was asked: unknown is spent.</summary>
internal static class CompletionWire
{
    /// <param name="completion">From the node.</param>
    /// <param name="plan">The question's plan for the number of voters that the node says it has.</param>
    public static AnswerCost Cost(Completion completion, AnswerPlan plan) => plan.FreeReason is not null
        ? AnswerCost.Free
        : plan.CostOf(completion.Releases >= 1 && completion.Releases <= plan.Cost.Releases ? completion.Releases : plan.Cost.Releases);

    public static FinishReason Finish(Completion completion) => completion.FinishReason == "length" ? FinishReason.Length : FinishReason.Stop;

    public static IEnumerable<ChargedAccount> Accounts(Completion completion) => completion.Accounts.Select(account => new ChargedAccount(
        account.Id,
        AccountKind.Data,
        account.Currency,
        new BudgetUnits(account.ChargedUnits),
        new BudgetUnits(Math.Max(0, account.BudgetUnits - account.SpentUnits - account.ReservedUnits)),
        null));
}
