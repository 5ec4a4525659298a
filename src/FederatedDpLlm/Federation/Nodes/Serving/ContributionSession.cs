using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Voters;
using FederatedDpLlm.Inference.Wire;
using FederatedDpLlm.Protocol;
using Grpc.Core;

namespace FederatedDpLlm.Federation.Nodes.Serving;

/// <summary>One admitted question whose noise the router draws: this hospital's votes, or its clipped sums token by token.</summary>
internal sealed class ContributionSession(
    PrivateAnswering answering, string modelDigest, AnswerPlan plan, IAsyncStreamReader<ContributionRequest> requests, IServerStreamWriter<ContributionEvent> responses)
{
    /// <summary>Says that the question is held, and waits for the router's word that every hospital holds it: until then nothing is computed.</summary>
    public async Task<bool> MayProceedAsync(CancellationToken cancellationToken)
    {
        try
        {
            await responses.WriteAsync(new ContributionEvent { Admitted = new Admitted { Voters = answering.Voters, ModelDigest = modelDigest } }, cancellationToken);
            return await requests.MoveNext(cancellationToken) && requests.Current.RequestCase == ContributionRequest.RequestOneofCase.Proceed;
        }
        catch (Exception error) when (error is OperationCanceledException or RpcException or IOException)
        {
            return false;
        }
    }

    /// <returns>What every answer cost here, and what the last token added to the last one.</returns>
    public Task<(IReadOnlyList<AnswerCompletion> Completions, string Text)> RunAsync(CancellationToken cancellationToken) =>
        plan.Question.Mechanism == AnswerMechanism.Choice ? VoteAsync(cancellationToken) : DecodeAsync(cancellationToken);

    private async Task<(IReadOnlyList<AnswerCompletion> Completions, string Text)> VoteAsync(CancellationToken cancellationToken)
    {
        var counted = await answering.VoteAsync(plan, cancellationToken);
        var votes = new Votes();
        votes.Counts.AddRange(counted.Counts);
        votes.Tokens.AddRange(counted.OptionTokens);
        await responses.WriteAsync(new ContributionEvent { Votes = votes }, cancellationToken);

        // The router may draw every answer from these votes: all of them are charged.
        return ([.. plan.Costs.Select(cost => new AnswerCompletion(FinishReason.Stop, 1, answering.Voters, cost, null))], string.Empty);
    }

    private async Task<(IReadOnlyList<AnswerCompletion> Completions, string Text)> DecodeAsync(CancellationToken cancellationToken)
    {
        await using var prompt = await answering.OpenDecodingAsync(plan, cancellationToken);
        var completions = new List<AnswerCompletion>();
        while (true)
        {
            var (completion, text, closed) = await DecodeOneAsync(prompt, cancellationToken);
            completions.Add(completion);
            if (closed || completions.Count == plan.Question.Answers)
            {
                return (completions, text);
            }

            await responses.WriteAsync(new ContributionEvent { Ended = new AnswerEnd { Text = text, FinishReason = NodeSettlement.NameOf(completion.FinishReason) } }, cancellationToken);
        }
    }

    /// <returns>How the answer ended, what its last token added, and whether the router has closed its side.</returns>
    private async Task<(AnswerCompletion Completion, string Text, bool Closed)> DecodeOneAsync(NodeDecoding prompt, CancellationToken cancellationToken)
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
}
