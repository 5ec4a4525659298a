using FederatedDpLlm.Inference;
using FederatedDpLlm.Protocol;
using FederatedDpLlm.Security.Audit;
using Microsoft.Extensions.Logging;

namespace FederatedDpLlm.Federation.Nodes.Serving;

/// <summary>The end of an admitted question at its hospital: charged for what ran, or whole where that is unknown.</summary>
public sealed partial class NodeSettlement(PrivateAnswering answering, DataAccounts accounts, ILogger<NodeSettlement> logger)
{
    /// <summary>Charges what ran, durably, and says so for the wire.</summary>
    public async Task<Completion> SettleAsync(AnswerRequest request, AnswerPlan plan, IReadOnlyList<AnswerCompletion> completions)
    {
        IReadOnlyList<AnswerCost> ran = [.. completions.Select(completion => completion.Cost)];
        var cost = AnswerCost.Sum(ran);
        var wire = new Completion
        {
            PromptTokens = answering.CountTokens(plan.Question),
            Rho = cost.Rho.Value,
            Epsilon = cost.Epsilon.Value,
            Delta = cost.Delta.Value,
            Voters = completions[0].Voters,
            Reason = plan.FreeReason ?? string.Empty,
        };
        wire.Answers.AddRange(completions.Select(completion => new FinishedAnswer
        {
            Releases = completion.Cost.Releases,
            Tokens = completion.Tokens,
            FinishReason = NameOf(completion.FinishReason),
        }));
        if (plan.FreeReason is not null)
        {
            wire.AuditEntry = await accounts.RecordFreeAsync(request, plan, AuditDecision.Answered, CancellationToken.None);
            return wire;
        }

        var settlement = await accounts.CommitAsync(request, plan, ran, CancellationToken.None);
        wire.AuditEntry = settlement.AuditEntry;
        wire.Accounts.AddRange(accounts.ToWire(settlement.Accounts, plan, ran));
        return wire;
    }

    internal static string NameOf(FinishReason reason) => reason == FinishReason.Length ? "length" : "stop";

    /// <summary>Charges the whole hold: what ran is not known.</summary>
    public async Task FailAsync(AnswerRequest request, AnswerPlan plan)
    {
        if (plan.FreeReason is not null)
        {
            await accounts.RecordFreeAsync(request, plan, AuditDecision.Failed, CancellationToken.None);
            return;
        }

        await accounts.SpendAllAsync(request, plan, CancellationToken.None);
        SpentUnfinished(logger, request.RequestId);
    }

    [LoggerMessage(3101, LogLevel.Warning, "Request {RequestId} broke off after it was admitted: its whole hold is spent.")]
    private static partial void SpentUnfinished(ILogger logger, string requestId);
}
