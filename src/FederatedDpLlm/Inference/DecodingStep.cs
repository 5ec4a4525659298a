namespace FederatedDpLlm.Inference;

/// <summary>A node's part of one token, before any noise: for the router that its hospital trusts to draw it, and for nobody else.</summary>
/// <param name="Candidates">The tokens that may follow, in one order that all nodes of the same engine share.</param>
/// <param name="PublicLogits">The base model's logits over <paramref name="Candidates"/>, in nats: public.</param>
/// <param name="Sums">The sum over this node's voters of their clipped differences to the public logits, in the grid units of the mechanism.</param>
/// <param name="Voters">At least 1.</param>
public sealed record DecodingStep(IReadOnlyList<int> Candidates, IReadOnlyList<float> PublicLogits, IReadOnlyList<long> Sums, int Voters)
{
    /// <summary>Sizes only: unnoised sums are not for logs.</summary>
    public override string ToString() => $"DecodingStep of {Voters} voters over {Candidates.Count} candidates";
}
