namespace FederatedDpLlm.Inference;

/// <summary>
/// A hospital's private answers: plan (public, free), reserve (the caller's), answer. The caller holds the plan's cost on the data accounts before it asks for
/// anything but a plan, and charges the completion's cost afterwards; where no completion came, the plan's.
/// </summary>
public interface IPrivateAnswering
{
    /// <summary>The voters of this node, by configuration: its number of shards, whatever they hold.</summary>
    int Voters { get; }

    /// <summary>The base model's public name.</summary>
    string Model { get; }

    /// <summary>How many tokens the asker's own messages take; 0 where the engine does not say. Records are no part of it: how long they are is private.</summary>
    int CountTokens(Question question);

    /// <summary>A plan for noise that this node draws. Reads public values only.</summary>
    PlanOutcome Plan(Question question);

    /// <summary>A plan for this node's part where the router draws the noise over <paramref name="federationVoters"/> voters of all nodes together.</summary>
    PlanOutcome PlanForRouter(Question question, int federationVoters);

    /// <summary>Answers with noise drawn here (or on the public path without), one answer after the other. Stopping early by disposing the stream spends the whole plan.</summary>
    /// <exception cref="ArgumentException">The plan's noise is the router's.</exception>
    IAsyncEnumerable<AnswerPiece> AnswerAsync(AnswerPlan plan, CancellationToken cancellationToken);

    /// <summary>This node's votes for a choice whose noise the router draws.</summary>
    /// <exception cref="ArgumentException">The plan is no choice, or its noise is this node's.</exception>
    Task<VoteCounts> VoteAsync(AnswerPlan plan, CancellationToken cancellationToken);

    /// <summary>This node's part of a private decoding whose tokens the router draws: the prompt, read once. Each answer is a fork of it.</summary>
    /// <exception cref="ArgumentException">The plan is no private decoding, or its noise is this node's.</exception>
    Task<INodeDecoding> OpenDecodingAsync(AnswerPlan plan, CancellationToken cancellationToken);
}
