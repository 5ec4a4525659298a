namespace FederatedDpLlm.Federation.Nodes.Serving;

/// <summary>What a node tells the router of itself, and what its hospital allows.</summary>
/// <param name="Hospital">The hospital that the node speaks for.</param>
/// <param name="RouterNoiseAllowed">Whether this hospital hands unnoised votes and sums to a router that it trusts to draw the noise.</param>
/// <param name="Delta">The hospital's own delta: a question at any other is refused.</param>
/// <param name="Scores">Whether the engine can answer choices.</param>
/// <param name="Logits">Whether the engine can decode privately.</param>
public sealed record NodeProfile(string Hospital, bool RouterNoiseAllowed, double Delta, bool Scores, bool Logits)
{
    /// <summary>Of weights, tokenizer and adapter (<see cref="FederatedDpLlm.Models.Weights.ModelDigest"/>): only parts of one model can be added up.</summary>
    public required string ModelDigest { get; init; }

    /// <summary>The most voters that this hospital believes a router to count over all hospitals; the clip of an answer whose noise the router draws grows with them.</summary>
    public int MostFederationVoters { get; init; } = 100_000;

    /// <summary>The blocks of patients; one that cannot pay is read no more. Empty where all patients stand on one account.</summary>
    public IReadOnlyList<string> Blocks { get; init; } = [];
}
