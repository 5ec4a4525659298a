using FederatedDpLlm.Budgets;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Wire;
using FederatedDpLlm.Protocol;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace FederatedDpLlm.Federation.Nodes.Serving;

/// <summary>The node's side of the link: plan, hold, answer, charge. It trusts the router with the question, never with the budget.</summary>
public sealed partial class HospitalNodeService(
    IPrivateAnswering answering, DataAccounts accounts, NodeProfile profile, NodeLoad load, ILogger<HospitalNodeService> logger) : HospitalNode.HospitalNodeBase
{
    public override Task<NodeStatus> GetStatus(StatusRequest request, ServerCallContext context)
    {
        var status = new NodeStatus
        {
            Hospital = profile.Hospital,
            Model = answering.Model,
            Voters = answering.Voters,
            InFlight = load.InFlight,
            RouterNoiseAllowed = profile.RouterNoiseAllowed,
            Records = profile.Records,
            Patients = profile.Patients,
            Scores = profile.Scores,
            Logits = profile.Logits,
        };
        status.Accounts.AddRange(accounts.ToWire());
        return Task.FromResult(status);
    }

    public override async Task Answer(AnswerRequest request, IServerStreamWriter<AnswerEvent> responseStream, ServerCallContext context)
    {
        using var counted = load.Enter();
        var (plan, refusal) = Admit(request, answering.Plan);
        if (plan is null)
        {
            await responseStream.WriteAsync(new AnswerEvent { Refused = refusal });
            return;
        }

        if (plan.FreeReason is null)
        {
            (var paid, refusal) = await HoldAsync(request, plan, context.CancellationToken);
            if (paid is null)
            {
                await responseStream.WriteAsync(new AnswerEvent { Refused = refusal });
                return;
            }

            plan = paid;
        }

        var completions = new List<AnswerCompletion>();
        try
        {
            await responseStream.WriteAsync(new AnswerEvent { Admitted = new Admitted { Voters = plan.Voters } });
            await foreach (var piece in answering.AnswerAsync(plan, context.CancellationToken))
            {
                switch (piece)
                {
                    case AnswerPiece.Text text:
                        await responseStream.WriteAsync(new AnswerEvent { Text = text.Value, Answer = completions.Count });
                        break;
                    case AnswerPiece.Completed ended:
                        completions.Add(ended.Completion);
                        break;
                }
            }
        }
        finally
        {
            // Once held, a question is always settled: at what ran where that is known, else whole. The caller may be gone.
            if (completions.Count < plan.Question.Answers)
            {
                await FailAsync(request, plan);
            }
        }

        if (completions.Count == plan.Question.Answers)
        {
            var settled = await SettleAsync(request, plan, completions);
            await responseStream.WriteAsync(new AnswerEvent { Completed = settled });
        }
    }

    public override async Task Contribute(
        IAsyncStreamReader<ContributionRequest> requestStream, IServerStreamWriter<ContributionEvent> responseStream, ServerCallContext context)
    {
        using var counted = load.Enter();
        if (!await requestStream.MoveNext(context.CancellationToken) || requestStream.Current.Open is not { Request: { } request } open)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, "a contribution starts with its question"));
        }

        var (planned, refusal) = profile.RouterNoiseAllowed
            ? Admit(request, question => answering.PlanForRouter(question, open.TotalVoters))
            : (null, new Refusal { Code = RefusalCodes.NotAllowed, Message = "This hospital draws its noise itself." });
        AnswerPlan? plan = null;
        if (planned is not null)
        {
            (plan, refusal) = planned.FreeReason is null ? await HoldAsync(request, planned, context.CancellationToken) : (null, new Refusal { Code = RefusalCodes.InvalidQuestion });
        }

        if (plan is null)
        {
            await responseStream.WriteAsync(new ContributionEvent { Refused = refusal });
            return;
        }

        if (!await MayProceedAsync(requestStream, responseStream, context.CancellationToken))
        {
            await accounts.ReleaseAsync(request, plan, CancellationToken.None);
            return;
        }

        IReadOnlyList<AnswerCompletion>? completions = null;
        string text;
        try
        {
            (completions, text) = plan.Question.Mechanism == AnswerMechanism.Choice
                ? await VoteAsync(plan, responseStream, context.CancellationToken)
                : await DecodeAsync(plan, requestStream, responseStream, context.CancellationToken);
        }
        finally
        {
            if (completions is null)
            {
                await FailAsync(request, plan);
            }
        }

        var settled = await SettleAsync(request, plan, completions);
        settled.Text = text;
        await responseStream.WriteAsync(new ContributionEvent { Completed = settled });
    }

    /// <summary>Says that the question is held, and waits for the router's word that every hospital holds it: until then nothing is computed.</summary>
    private async Task<bool> MayProceedAsync(
        IAsyncStreamReader<ContributionRequest> requests, IServerStreamWriter<ContributionEvent> responses, CancellationToken cancellationToken)
    {
        try
        {
            await responses.WriteAsync(new ContributionEvent { Admitted = new Admitted { Voters = answering.Voters } }, cancellationToken);
            return await requests.MoveNext(cancellationToken) && requests.Current.RequestCase == ContributionRequest.RequestOneofCase.Proceed;
        }
        catch (Exception error) when (error is OperationCanceledException or RpcException or IOException)
        {
            return false;
        }
    }

    private async Task<(IReadOnlyList<AnswerCompletion> Completions, string Text)> VoteAsync(
        AnswerPlan plan, IServerStreamWriter<ContributionEvent> responses, CancellationToken cancellationToken)
    {
        var counted = await answering.VoteAsync(plan, cancellationToken);
        var votes = new Votes();
        votes.Counts.AddRange(counted.Counts);
        votes.Tokens.AddRange(counted.OptionTokens);
        await responses.WriteAsync(new ContributionEvent { Votes = votes }, cancellationToken);

        // The router may draw every answer from these votes: all of them are charged.
        return ([.. plan.Costs.Select(cost => new AnswerCompletion(FinishReason.Stop, 1, answering.Voters, cost, null))], string.Empty);
    }

    private async Task<(IReadOnlyList<AnswerCompletion> Completions, string Text)> DecodeAsync(
        AnswerPlan plan, IAsyncStreamReader<ContributionRequest> requests, IServerStreamWriter<ContributionEvent> responses, CancellationToken cancellationToken)
    {
        await using var prompt = await answering.OpenDecodingAsync(plan, cancellationToken);
        var completions = new List<AnswerCompletion>();
        while (true)
        {
            var (completion, text, closed) = await DecodeOneAsync(plan, prompt, requests, responses, cancellationToken);
            completions.Add(completion);
            if (closed || completions.Count == plan.Question.Answers)
            {
                return (completions, text);
            }

            await responses.WriteAsync(new ContributionEvent { Ended = new AnswerEnd { Text = text, FinishReason = NameOf(completion.FinishReason) } }, cancellationToken);
        }
    }

    /// <returns>How the answer ended, what its last token added, and whether the router has closed its side.</returns>
    private async Task<(AnswerCompletion Completion, string Text, bool Closed)> DecodeOneAsync(
        AnswerPlan plan, INodeDecoding prompt, IAsyncStreamReader<ContributionRequest> requests, IServerStreamWriter<ContributionEvent> responses, CancellationToken cancellationToken)
    {
        await using var decoding = prompt.Fork();
        var (steps, tokens, text) = (0, 0, string.Empty);
        while (steps < plan.Question.MaxTokens)
        {
            await responses.WriteAsync(new ContributionEvent { Step = DecodingStepWire.ToWire(decoding.Current, text) }, cancellationToken);

            // A step that was sent counts as released, whether or not a token came back.
            steps++;
            var closed = !await requests.MoveNext(cancellationToken);
            if (closed || requests.Current.RequestCase != ContributionRequest.RequestOneofCase.Token || decoding.IsEnd(requests.Current.Token))
            {
                return (Ended(FinishReason.Stop), string.Empty, closed);
            }

            tokens++;
            text = await decoding.AppendAsync(requests.Current.Token, cancellationToken);
        }

        return (Ended(FinishReason.Length), text, false);

        AnswerCompletion Ended(FinishReason reason) => new(reason, tokens, answering.Voters, plan.CostOf(steps), null);
    }

    private (AnswerPlan? Plan, Refusal? Refusal) Admit(AnswerRequest request, Func<Inference.Question, PlanOutcome> planner)
    {
        Inference.Question question;
        try
        {
            question = QuestionWire.FromWire(request.Question);
        }
        catch (FormatException error)
        {
            return (null, new Refusal { Code = RefusalCodes.InvalidQuestion, Message = error.Message });
        }

        if (question.Mechanism != AnswerMechanism.Public && question.Delta.Value != profile.Delta)
        {
            return (null, new Refusal { Code = RefusalCodes.InvalidQuestion, Message = "The question's delta is not this hospital's." });
        }

        var outcome = planner(question);
        return outcome.IsPlanned
            ? (outcome.Plan, null)
            : (null, new Refusal { Code = RefusalCodes.InvalidQuestion, Message = $"{outcome.Refusal.Parameter}: {outcome.Refusal.Message}" });
    }

    /// <returns>The plan with the blocks that pay for it, or why none does.</returns>
    private async Task<(AnswerPlan? Plan, Refusal? Refusal)> HoldAsync(AnswerRequest request, AnswerPlan plan, CancellationToken cancellationToken)
    {
        var (outcome, paid) = await accounts.ReserveAsync(request, plan, cancellationToken);
        switch (outcome)
        {
            case ReserveOutcome.Reserved:
                return (paid, null);
            case ReserveOutcome.Exhausted exhausted:
                DataAccountExhausted(logger, request.RequestId, exhausted.Account.Policy.Id.Value);
                return (null, new Refusal
                {
                    Code = RefusalCodes.DataBudgetExhausted,
                    Message = "This hospital's data account cannot hold the cost of the question. It never refills.",
                    Account = AccountWire.ToWire(exhausted.Account, BudgetUnits.Zero),
                });
            case ReserveOutcome.AlreadySeen:
                return (null, new Refusal { Code = RefusalCodes.DuplicateRequest, Message = "This request was seen before." });
            default:
                return (null, new Refusal { Code = RefusalCodes.NotAllowed, Message = "No data account." });
        }
    }

    private async Task<Completion> SettleAsync(AnswerRequest request, AnswerPlan plan, IReadOnlyList<AnswerCompletion> completions)
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
            wire.AuditEntry = await accounts.RecordFreeAsync(request, plan, CancellationToken.None);
            return wire;
        }

        var settlement = await accounts.CommitAsync(request, plan, ran, CancellationToken.None);
        wire.AuditEntry = settlement.AuditEntry;
        wire.Accounts.AddRange(accounts.ToWire(settlement.Accounts, plan, ran));
        return wire;
    }

    private static string NameOf(FinishReason reason) => reason == FinishReason.Length ? "length" : "stop";

    private async Task FailAsync(AnswerRequest request, AnswerPlan plan)
    {
        if (plan.FreeReason is null)
        {
            await accounts.SpendAllAsync(request, plan, CancellationToken.None);
            SpentUnfinished(logger, request.RequestId);
        }
    }

    [LoggerMessage(3101, LogLevel.Warning, "Request {RequestId} broke off after it was admitted: its whole hold is spent.")]
    private static partial void SpentUnfinished(ILogger logger, string requestId);

    [LoggerMessage(3102, LogLevel.Warning, "Request {RequestId} refused: data account {Account} is exhausted.")]
    private static partial void DataAccountExhausted(ILogger logger, string requestId, string account);
}
