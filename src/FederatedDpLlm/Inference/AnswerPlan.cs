using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Mechanisms;

namespace FederatedDpLlm.Inference;

/// <summary>A question that was found answerable, with its price: made before any record is read, from public values only.</summary>
/// <param name="Question">The question.</param>
/// <param name="Noise">Who draws the noise.</param>
/// <param name="Voters">Over how many voters the mechanism averages: this node's, or all nodes' together where the router draws the noise; 0 for the public path.</param>
/// <param name="Cost">The most that one answer can cost; <see cref="Costs"/> is to be reserved before anything runs.</param>
/// <param name="FreeReason">The reason code of a cost of 0 (<c>public-model</c>); null where something is charged.</param>
public sealed record AnswerPlan(Question Question, NoisePlace Noise, int Voters, AnswerCost Cost, string? FreeReason)
{
    /// <summary>The zCDP bound of one release: a token of private decoding, the one choice, 0 on the public path.</summary>
    public Rho RhoPerRelease => new(Cost.Releases == 0 ? 0 : Cost.Rho.Value / Cost.Releases);

    /// <summary>The most that the whole question can cost: one cost an answer.</summary>
    public IReadOnlyList<AnswerCost> Costs => [.. Enumerable.Repeat(Cost, Question.Answers)];

    /// <summary>The blocks of patients whose accounts pay and whose records are read; null for all of them. Known once they hold the cost.</summary>
    public IReadOnlyList<string>? Blocks { get; init; }

    /// <summary>The mechanism of a choice; null for others.</summary>
    internal ExponentialMechanism? Choice { get; init; }

    /// <summary>The mechanism of a private decoding; null for others.</summary>
    internal ClippedLogitDecoding? Decoding { get; init; }

    /// <summary>What the first <paramref name="releases"/> releases of this plan cost: the charge of an answer that ended early.</summary>
    public AnswerCost CostOf(int releases) => releases == Cost.Releases
        ? Cost
        : AnswerCost.Of(Cost.Released is RepeatedEvent repeated ? repeated.Part : Cost.Released, releases, Question.Delta);
}
