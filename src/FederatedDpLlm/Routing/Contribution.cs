using FederatedDpLlm.Federation.Nodes.Links;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Wire;
using FederatedDpLlm.Protocol;
using Grpc.Core;

namespace FederatedDpLlm.Routing;

/// <summary>One hospital's part in an answer whose noise the router draws.</summary>
internal sealed class Contribution : IDisposable
{
    private readonly NodeStream<ContributionEvent> _stream;
    private readonly AsyncDuplexStreamingCall<ContributionRequest, ContributionEvent> _call;
    private readonly IDisposable _tracked;

    public Contribution(NodeLink link, DateTime deadline, CancellationToken cancellationToken)
    {
        Node = link.Id;
        _tracked = link.Track();
        _call = link.Client.Contribute(deadline: deadline, cancellationToken: cancellationToken);
        _stream = new NodeStream<ContributionEvent>(link, _call.ResponseStream);
    }

    public string Node { get; }

    public int Voters { get; private set; }

    public string Text { get; private set; } = string.Empty;

    public Completion? Completion { get; private set; }

    /// <summary>How the last answer that the node ended came to its end.</summary>
    public FinishReason Finish { get; private set; }

    /// <returns>Null where the hospital holds the question; else why it does not take part.</returns>
    public async Task<RouteRefusal?> OpenAsync(AnswerRequest request, int totalVoters, CancellationToken cancellationToken)
    {
        await SendAsync(new ContributionRequest { Open = new ContributionOpen { Request = request, TotalVoters = totalVoters } }, cancellationToken);
        switch (await _stream.NextAsync(cancellationToken))
        {
            case NodeReply<ContributionEvent>.Event { Value.Admitted: { } admitted }:
                Voters = admitted.Voters;
                return null;
            case NodeReply<ContributionEvent>.Event { Value.Refused: { } refused }:
                return NodeRefusals.Read(refused, Node);
            default:
                return new RouteRefusal.Unavailable("A hospital's node does not answer.");
        }
    }

    public Task ProceedAsync(CancellationToken cancellationToken) => SendAsync(new ContributionRequest { Proceed = new Proceed() }, cancellationToken);

    public Task SendTokenAsync(int token, CancellationToken cancellationToken) => SendAsync(new ContributionRequest { Token = token }, cancellationToken);

    /// <exception cref="InvalidPartException">The node sent something else, or broke off.</exception>
    public async Task<VoteCounts> VotesAsync(CancellationToken cancellationToken) =>
        (await NextAsync(cancellationToken)).Votes is { } votes
            ? new VoteCounts([.. votes.Counts], Voters) { OptionTokens = [.. votes.Tokens] }
            : throw new InvalidPartException($"{Node} sent no votes");

    /// <returns>The next step, or null where the answer is over: the last token ended it, or was the longest answer's last.</returns>
    /// <exception cref="InvalidPartException">The node sent something else, or broke off.</exception>
    public async Task<Inference.DecodingStep?> StepAsync(CancellationToken cancellationToken)
    {
        var next = await NextAsync(cancellationToken);
        Completion = next.Completed;
        Finish = CompletionWire.Finish(next.Ended?.FinishReason ?? next.Completed?.Answers.LastOrDefault()?.FinishReason ?? string.Empty);
        Text = next.Step?.Text ?? next.Ended?.Text ?? next.Completed?.Text ?? throw new InvalidPartException($"{Node} sent no decoding step");
        return next.Step is { } step ? DecodingStepWire.FromWire(step, Voters) : null;
    }

    /// <summary>Ends an answer before its longest length; the next one follows.</summary>
    /// <exception cref="InvalidPartException">The node sent something else, or broke off.</exception>
    public async Task EndAnswerAsync(CancellationToken cancellationToken)
    {
        await SendAsync(new ContributionRequest { Next = new NextAnswer() }, cancellationToken);
        if ((await NextAsync(cancellationToken)).Ended is null)
        {
            throw new InvalidPartException($"{Node} did not end the answer");
        }
    }

    /// <summary>Closes our side and reads the node's account of what it charged.</summary>
    /// <exception cref="InvalidPartException">The node broke off.</exception>
    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        await _call.RequestStream.CompleteAsync();
        Completion = (await NextAsync(cancellationToken)).Completed ?? throw new InvalidPartException($"{Node} did not settle");
    }

    public void Dispose()
    {
        _call.Dispose();
        _tracked.Dispose();
    }

    private async Task SendAsync(ContributionRequest request, CancellationToken cancellationToken)
    {
        try
        {
            await _call.RequestStream.WriteAsync(request, cancellationToken);
        }
        catch (Exception error) when (error is RpcException or InvalidOperationException)
        {
            // The call is over; why, the next read says.
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private async Task<ContributionEvent> NextAsync(CancellationToken cancellationToken) =>
        await _stream.NextAsync(cancellationToken) is NodeReply<ContributionEvent>.Event received
            ? received.Value
            : throw new InvalidPartException($"{Node} broke off");
}
