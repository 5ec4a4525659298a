using FederatedDpLlm.Models.Sampling;

namespace FederatedDpLlm.Inference.Engines;

/// <param name="MaxTokens">At least 1.</param>
/// <param name="Sampling">A temperature of 0 is greedy (public path only).</param>
/// <param name="Stop">Texts at which generation ends; not part of the output.</param>
public sealed record GenerationOptions(int MaxTokens, SamplingParameters Sampling, IReadOnlyList<string> Stop)
{
    /// <summary>Who asks: what an engine keeps of a prompt serves later ones of the same tenant only.</summary>
    public string Tenant { get; init; } = string.Empty;

    /// <summary>A JSON schema that the text keeps to, where the engine offers <see cref="EngineCapabilities.Forms"/>; null for any text.</summary>
    public string? AnswerSchema { get; init; }

    /// <summary>Of the tokens' draws, where the same question is to have the same answer again; null for fresh ones.</summary>
    public long? Seed { get; init; }
}
