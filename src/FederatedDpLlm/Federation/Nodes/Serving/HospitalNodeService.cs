using FederatedDpLlm.Inference;
using FederatedDpLlm.Protocol;
using Grpc.Core;

namespace FederatedDpLlm.Federation.Nodes.Serving;

/// <summary>The node's side of the link: plan, hold, answer, charge. It trusts the router with the question, never with the budget.</summary>
public sealed class HospitalNodeService(
    PrivateAnswering answering, DataAccounts accounts, NodeAdmission admission, NodeSettlement settlement, NodeProfile profile, NodeLoad load, EngineWatch engine) : HospitalNode.HospitalNodeBase
{
    public override async Task<NodeStatus> GetStatus(StatusRequest request, ServerCallContext context)
    {
        var engineStatus = await engine.StatusAsync(context.CancellationToken);
        if (!engineStatus.Ready)
        {
            // A node that cannot answer is no candidate: the router asks others until the engine is back.
            throw new RpcException(new Status(StatusCode.Unavailable, "The node's engine is not ready."));
        }

        var status = new NodeStatus
        {
            Hospital = profile.Hospital,
            Model = answering.Model,
            Voters = answering.Voters,
            InFlight = load.InFlight,
            RouterNoiseAllowed = profile.RouterNoiseAllowed,
            Scores = profile.Scores,
            Logits = profile.Logits,
            ModelDigest = profile.ModelDigest,
            Engine = EngineLoadWire.ToWire(engineStatus),
        };
        status.Accounts.AddRange(accounts.ToWire());
        return status;
    }

    public override async Task Answer(AnswerRequest request, IServerStreamWriter<AnswerEvent> responseStream, ServerCallContext context)
    {
        using var counted = load.Enter();
        var (plan, refusal) = await admission.AdmitAsync(request, context.CancellationToken);
        if (plan is null)
        {
            await responseStream.WriteAsync(new AnswerEvent { Refused = refusal });
            return;
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
        catch (OperationCanceledException) when (context.CancellationToken.IsCancellationRequested)
        {
            throw new RpcException(new Status(StatusCode.Cancelled, "the router left"));
        }
        finally
        {
            // Once held, a question is always settled: at what ran where that is known, else whole. The caller may be gone.
            if (completions.Count < plan.Question.Answers)
            {
                await settlement.FailAsync(request, plan);
            }
        }

        if (completions.Count == plan.Question.Answers)
        {
            await responseStream.WriteAsync(new AnswerEvent { Completed = await settlement.SettleAsync(request, plan, completions) });
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

        var (plan, refusal) = await admission.AdmitContributionAsync(open, context.CancellationToken);
        if (plan is null)
        {
            await responseStream.WriteAsync(new ContributionEvent { Refused = refusal });
            return;
        }

        var session = new ContributionSession(answering, profile.ModelDigest, plan, requestStream, responseStream);
        if (!await session.MayProceedAsync(context.CancellationToken))
        {
            await accounts.ReleaseAsync(request, plan, CancellationToken.None);
            return;
        }

        IReadOnlyList<AnswerCompletion>? completions = null;
        string text;
        try
        {
            (completions, text) = await session.RunAsync(context.CancellationToken);
        }
        finally
        {
            if (completions is null)
            {
                await settlement.FailAsync(request, plan);
            }
        }

        var settled = await settlement.SettleAsync(request, plan, completions);
        settled.Text = text;
        await responseStream.WriteAsync(new ContributionEvent { Completed = settled });
    }
}
