using FederatedDpLlm.Budgets;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Wire;
using FederatedDpLlm.Protocol;
using FederatedDpLlm.Security.Audit;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace FederatedDpLlm.Federation.Nodes.Serving;

/// <summary>
/// Whether this hospital takes part in a question: what the router sent is checked, priced by this hospital's own rules, and held on its own accounts. Every refusal is an entry
/// of the hospital's own log.
/// </summary>
public sealed partial class NodeAdmission(PrivateAnswering answering, DataAccounts accounts, NodeProfile profile, ILogger<NodeAdmission> logger)
{
    /// <returns>The plan, held where it costs something, or why there is none.</returns>
    public Task<(AnswerPlan? Plan, Refusal? Refusal)> AdmitAsync(AnswerRequest request, CancellationToken cancellationToken) =>
        AdmitAsync(request, answering.Plan, mayBeFree: true, cancellationToken);

    /// <summary>The same for a question whose noise the router draws over all hospitals' voters.</summary>
    public async Task<(AnswerPlan? Plan, Refusal? Refusal)> AdmitContributionAsync(ContributionOpen open, CancellationToken cancellationToken)
    {
        RequireNames(open.Request);
        var refusal = !profile.RouterNoiseAllowed ? Refuse(RefusalCodes.NotAllowed, "This hospital draws its noise itself.")
            : open.TotalVoters < answering.Voters || open.TotalVoters > profile.MostFederationVoters ? Refuse(
                RefusalCodes.NotAllowed, $"This hospital counts between {answering.Voters} and {profile.MostFederationVoters} voters in the federation, not {open.TotalVoters}.")
            : null;
        return refusal is not null
            ? await RefuseAsync(open.Request, refusal, cancellationToken)
            : await AdmitAsync(open.Request, question => answering.PlanForRouter(question, open.TotalVoters), mayBeFree: false, cancellationToken);
    }

    private async Task<(AnswerPlan? Plan, Refusal? Refusal)> AdmitAsync(
        AnswerRequest request, Func<Inference.Question, PlanOutcome> planner, bool mayBeFree, CancellationToken cancellationToken)
    {
        RequireNames(request);
        try
        {
            var (plan, refusal) = Plan(request, planner);
            if (plan is { FreeReason: not null } && !mayBeFree)
            {
                (plan, refusal) = (null, Refuse(RefusalCodes.InvalidQuestion, "A public answer needs no noise of the router's."));
            }

            if (plan is null)
            {
                return await RefuseAsync(request, refusal!, cancellationToken);
            }

            if (plan.FreeReason is null)
            {
                return await HoldAsync(request, plan, cancellationToken);
            }

            await accounts.RecordFreeAsync(request, plan, AuditDecision.Admitted, cancellationToken);
            return (plan, null);
        }
        catch (Exception error) when (error is OverflowException or ArgumentOutOfRangeException)
        {
            return await RefuseAsync(request, Refuse(RefusalCodes.InvalidQuestion, "All answers together cost more than an account can count: ask for less epsilon or fewer answers."), cancellationToken);
        }
        catch (BudgetStoreException error)
        {
            // Nothing was computed, and nothing will be: the router may ask another hospital under the same hold.
            return Unavailable(request, error);
        }
    }

    private (AnswerPlan? Plan, Refusal? Refusal) Plan(AnswerRequest request, Func<Inference.Question, PlanOutcome> planner)
    {
        if (AdapterAccounts.Names(request.RequestId))
        {
            return (null, Refuse(RefusalCodes.DuplicateRequest, "This request was seen before."));
        }

        Inference.Question question;
        try
        {
            question = QuestionWire.FromWire(request.Question) with { Asker = request.Actor };
        }
        catch (FormatException error)
        {
            return (null, Refuse(RefusalCodes.InvalidQuestion, error.Message));
        }

        if (question.Mechanism != AnswerMechanism.Public && question.Delta.Value != profile.Delta)
        {
            return (null, Refuse(RefusalCodes.InvalidQuestion, "The question's delta is not this hospital's."));
        }

        var outcome = planner(question);
        return outcome.IsPlanned ? (outcome.Plan, null) : (null, Invalid(outcome.Refusal));
    }

    /// <returns>The plan with the blocks that pay for it, or why none does.</returns>
    private async Task<(AnswerPlan? Plan, Refusal? Refusal)> HoldAsync(AnswerRequest request, AnswerPlan plan, CancellationToken cancellationToken)
    {
        // What the ledger refuses, it records itself.
        var (outcome, paid) = await accounts.ReserveAsync(request, plan, cancellationToken);
        switch (outcome)
        {
            case ReserveOutcome.Reserved:
                return (paid, null);
            case ReserveOutcome.Exhausted exhausted:
                DataAccountExhausted(logger, request.RequestId, exhausted.Account.Policy.Id.Value);
                var refusal = Refuse(RefusalCodes.DataBudgetExhausted, "This hospital's data account cannot hold the cost of the question. It never refills.");
                refusal.Account = AccountWire.ToWire(exhausted.Account, BudgetUnits.Zero);
                return (null, refusal);
            case ReserveOutcome.AlreadySeen:
                return (null, Refuse(RefusalCodes.DuplicateRequest, "This request was seen before."));
            default:
                return (null, Refuse(RefusalCodes.NotAllowed, "No data account."));
        }
    }

    private async Task<(AnswerPlan? Plan, Refusal? Refusal)> RefuseAsync(AnswerRequest request, Refusal refusal, CancellationToken cancellationToken)
    {
        try
        {
            await accounts.RecordRefusalAsync(request, refusal.Code, cancellationToken);
            return (null, refusal);
        }
        catch (BudgetStoreException error)
        {
            return Unavailable(request, error);
        }
    }

    private (AnswerPlan? Plan, Refusal? Refusal) Unavailable(AnswerRequest request, BudgetStoreException error)
    {
        StoreFailed(logger, error, request.RequestId);
        return (null, Refuse(RefusalCodes.Unavailable, "This hospital's ledger cannot be written now."));
    }

    /// <exception cref="RpcException">A name that no log entry can hold: whoever sends it is no router of ours, and leaves no more than a line of the program's log.</exception>
    private static void RequireNames(AnswerRequest? request)
    {
        string[] names = request is null ? [string.Empty] : [request.RequestId, request.Actor, request.Department, request.Purpose];
        if (names[0].Length == 0 || names.Any(name => name.Length > AuditRecord.LongestText || name.Any(char.IsControl)))
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"a question has a request id, and names of at most {AuditRecord.LongestText} characters"));
        }
    }

    private static Refusal Invalid(PlanRefusal refusal) => new() { Code = RefusalCodes.InvalidQuestion, Message = refusal.Message, Parameter = refusal.Parameter };

    private static Refusal Refuse(string code, string message) => new() { Code = code, Message = message };

    [LoggerMessage(3102, LogLevel.Warning, "Request {RequestId} refused: data account {Account} is exhausted.")]
    private static partial void DataAccountExhausted(ILogger logger, string requestId, string account);

    [LoggerMessage(3103, LogLevel.Error, "Request {RequestId} refused: the ledger cannot be written.")]
    private static partial void StoreFailed(ILogger logger, Exception error, string requestId);
}
