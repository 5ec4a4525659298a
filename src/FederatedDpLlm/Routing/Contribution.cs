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
    private readonly TrackedQuestion _tracked;

    /// <param name="link">To the hospital.</param>
    /// <param name="told">What its node has said of itself.</param>
    /// <param name="tracked">The question there; disposed with this.</param>
    /// <param name="deadline">The end of the call.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public Contribution(NodeLink link, NodeStatus told, TrackedQuestion tracked, DateTime deadline, CancellationToken cancellationToken)
    {
        Node = link.Id;
        Told = told;
        _tracked = tracked;
        _call = link.Client.Contribute(deadline: deadline, cancellationToken: cancellationToken);
        _stream = new NodeStream<ContributionEvent>(link, tracked, _call.ResponseStream);
    }

    public string Node { get; }

    /// <summary>What the hospital's node has said of itself; what it admits with must be the same.</summary>
    public NodeStatus Told { get; }

    /// <summary>Whether the hospital holds the question as the one that it has said to be.</summary>
    public bool IsAdmitted { get; private set; }

    public int Voters => Told.Voters;

    public string Text { get; private set; } = string.Empty;

    public Completion? Completion { get; private set; }

    /// <summary>How the last answer that the node ended came to its end.</summary>
    public FinishReason Finish { get; private set; }

    /// <summary>Asks the hospital to hold the question.</summary>
    /// <param name="request">The question.</param>
    /// <param name="totalVoters">Over all hospitals that are asked.</param>
    /// <param name="patience">Ends the waiting: nothing is computed before everybody has admitted, so that a hold is all that an answer takes.</param>
    /// <param name="cancellationToken">The caller's going away.</param>
    /// <returns>Why the hospital does not take part; null where it does (<see cref="IsAdmitted"/>), or says no reason.</returns>
    public async Task<RouteRefusal?> OpenAsync(AnswerRequest request, int totalVoters, CancellationToken patience, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience, cancellationToken);
        try
        {
            await SendAsync(new ContributionRequest { Open = new ContributionOpen { Request = request, TotalVoters = totalVoters } }, either.Token);
            switch (await _stream.NextAsync(either.Token))
            {
                case NodeReply<ContributionEvent>.Event { Value.Admitted: { } admitted }:
                    // With other voters or another model than it has told it is asked no more: the rounds end with the nodes.
                    IsAdmitted = admitted.Voters == Voters && admitted.ModelDigest == Told.ModelDigest;
                    return null;
                case NodeReply<ContributionEvent>.Event { Value.Refused: { } refused }:
                    return NodeRefusals.Read(refused, Node);
                case NodeReply<ContributionEvent>.Broken { NeverSent: true }:
                    break;
                default:
                    _tracked.Broke();
                    break;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            _tracked.Broke();
        }

        return new RouteRefusal.Unavailable("A hospital's node does not answer.");
    }

    /// <summary>What it sent does not fit: that counts against its node.</summary>
    public void Broke() => _tracked.Broke();

    public Task ProceedAsync(CancellationToken cancellationToken) => SendAsync(new ContributionRequest { Proceed = new Proceed() }, cancellationToken);

    public Task SendTokenAsync(int token, CancellationToken cancellationToken) => SendAsync(new ContributionRequest { Token = token }, cancellationToken);

    /// <exception cref="InvalidPartException">The node sent something else, or broke off.</exception>
    public async Task<VoteCounts> VotesAsync(CancellationToken cancellationToken) =>
        (await NextAsync(cancellationToken)).Votes is { } votes
            ? new VoteCounts([.. votes.Counts], Voters) { OptionTokens = [.. votes.Tokens] }
            : throw Misfit("no votes");

    /// <returns>The next step, or null where the answer is over: the last token ended it, or was the longest answer's last.</returns>
    /// <exception cref="InvalidPartException">The node sent something else, or broke off.</exception>
    public async Task<Inference.DecodingStep?> StepAsync(CancellationToken cancellationToken)
    {
        var next = await NextAsync(cancellationToken);
        Complete(next.Completed);
        Finish = CompletionWire.Finish(next.Ended?.FinishReason ?? next.Completed?.Answers.LastOrDefault()?.FinishReason ?? string.Empty);
        Text = next.Step?.Text ?? next.Ended?.Text ?? next.Completed?.Text ?? throw Misfit("no decoding step");
        try
        {
            return next.Step is { } step ? DecodingStepWire.FromWire(step, Voters) : null;
        }
        catch (InvalidPartException)
        {
            _tracked.Broke();
            throw;
        }
    }

    /// <summary>Ends an answer before its longest length; the next one follows.</summary>
    /// <exception cref="InvalidPartException">The node sent something else, or broke off.</exception>
    public async Task EndAnswerAsync(CancellationToken cancellationToken)
    {
        await SendAsync(new ContributionRequest { Next = new NextAnswer() }, cancellationToken);
        if ((await NextAsync(cancellationToken)).Ended is null)
        {
            throw Misfit("more of an answer that was over");
        }
    }

    /// <summary>Closes our side and reads the node's account of what it charged.</summary>
    /// <exception cref="InvalidPartException">The node broke off.</exception>
    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _call.RequestStream.CompleteAsync();
        }
        catch (Exception error) when (error is RpcException or InvalidOperationException)
        {
            // The call is over; why, the next read says.
            cancellationToken.ThrowIfCancellationRequested();
        }

        Complete((await NextAsync(cancellationToken)).Completed ?? throw Misfit("no settlement"));
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
        await _stream.NextAsync(cancellationToken) is NodeReply<ContributionEvent>.Event received ? received.Value : throw Misfit("no more");

    private void Complete(Completion? completion)
    {
        Completion = completion;
        if (completion is not null)
        {
            _tracked.Answered();
        }
    }

    private InvalidPartException Misfit(string sent)
    {
        _tracked.Broke();
        return new InvalidPartException($"{Node} sent {sent}");
    }
}
