namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>One choice by permute-and-flip, the same as report-noisy-max with exponential noise (McKenna, Sheldon, arXiv:2010.12603; Ding et al., arXiv:2105.07260).</summary>
public sealed record PermuteAndFlipEvent : PrivacyEvent
{
    /// <param name="epsilon">The pure epsilon; there is no bounded-range bound as for the exponential mechanism.</param>
    /// <param name="relation">The relation under which it holds.</param>
    public PermuteAndFlipEvent(Epsilon epsilon, NeighbouringRelation relation)
        : base(relation) => Epsilon = epsilon;

    /// <summary>The pure epsilon.</summary>
    public Epsilon Epsilon { get; }
}
