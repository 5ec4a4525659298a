using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Models.Serving.Constraints;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Models.Serving;

/// <summary>One stream of tokens that is asked for.</summary>
/// <param name="Tenant">Prompts share memory with earlier ones of the same tenant only; an empty name shares with nobody.</param>
/// <param name="Prompt">At least one token.</param>
/// <param name="MaxTokens">At least 1; with the prompt no more than the context.</param>
/// <param name="Random">For the tokens; one of its own for each stream whose answer must be the same again.</param>
public sealed record StreamRequest(string Tenant, IReadOnlyList<int> Prompt, int MaxTokens, ISecureRandom Random)
{
    /// <summary>How tokens are drawn.</summary>
    public SamplingParameters Sampling { get; init; } = new();

    /// <summary>What the base weights are changed by for this answer, made by the same model; null for the model as it is.</summary>
    public ModelAdapter? Adapter { get; init; }

    /// <summary>The form that the answer must have; null for any.</summary>
    public AnswerConstraint? Constraint { get; init; }

    /// <summary>The request's size only: what is asked is not for logs.</summary>
    public override string ToString() => $"StreamRequest ({Prompt.Count} tokens)";
}
