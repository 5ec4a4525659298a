using FederatedDpLlm.Budgets;
using FederatedDpLlm.Federation.Nodes.Links;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Protocol;

namespace FederatedDpLlm.Routing;

/// <summary>Reads what a node says of its own answer. A figure that cannot be is read as the most that was asked: unknown is spent.</summary>
internal static class CompletionWire
{
    private const int MostAccounts = 512;

    /// <summary>The cost of each answer.</summary>
    /// <param name="completion">From the node.</param>
    /// <param name="plan">The question's plan for the number of voters that the node says it has.</param>
    /// <param name="texts">What it sent: it cannot have released fewer tokens than that.</param>
    public static IReadOnlyList<AnswerCost> Costs(Completion completion, AnswerPlan plan, NodeText texts) => plan.FreeReason is not null
        ? []
        : completion.Answers.Count != plan.Question.Answers
            ? plan.Costs
            : [.. completion.Answers.Select((answer, index) => plan.CostOf(
                answer.Releases >= Math.Max(1, texts.Pieces(index)) && answer.Releases <= plan.Cost.Releases ? answer.Releases : plan.Cost.Releases))];

    public static FinishReason Finish(string reason) => reason == "length" ? FinishReason.Length : FinishReason.Stop;

    /// <summary>How each answer ended: one entry an answer, whatever the node says.</summary>
    public static IReadOnlyList<FinishReason> Finishes(Completion completion, int answers) =>
        [.. Enumerable.Range(0, answers).Select(answer => Finish(completion.Answers.ElementAtOrDefault(answer)?.FinishReason ?? string.Empty))];

    public static int Tokens(Completion completion) => (int)Math.Min(int.MaxValue, completion.Answers.Sum(answer => (long)Math.Max(0, answer.Tokens)));

    public static int PromptTokens(Completion completion) => Math.Max(0, completion.PromptTokens);

    /// <param name="completion">From the node.</param>
    /// <param name="hospital">Whose node it is: it speaks for no other's accounts.</param>
    public static IEnumerable<ChargedAccount> Accounts(Completion completion, string hospital) =>
        completion.Accounts.Where(account => NodeClaims.FaultOf(account, hospital) is null).Take(MostAccounts).Select(account => new ChargedAccount(
            account.Id, AccountKind.Data, account.Currency, new BudgetUnits(account.ChargedUnits), new BudgetUnits(NodeClaims.UnitsLeft(account)), null));
}
