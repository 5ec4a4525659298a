namespace FederatedDpLlm.Inference.Engines;

/// <summary>What an engine offers. Private decoding needs logits (or log-probabilities of the top candidates); choice needs scores.</summary>
/// <param name="Model">The model's public name.</param>
/// <param name="ContextTokens">The longest context, in tokens; 0 where unknown.</param>
/// <param name="Scores">Whether options can be scored by likelihood.</param>
/// <param name="Logits">Whether decoding by logits is offered.</param>
/// <param name="MinimumLogitCoverage">The number of candidates an engine returns per token; <see cref="int.MaxValue"/> for the whole vocabulary.</param>
public sealed record EngineCapabilities(string Model, int ContextTokens, bool Scores, bool Logits, int MinimumLogitCoverage)
{
    /// <summary>What <see cref="Scores"/> are made from.</summary>
    public ScoreSource ScoreSource { get; init; } = ScoreSource.Likelihoods;

    /// <summary>Whether <see cref="IInferenceEngine.TokenizeAsync"/> is offered.</summary>
    public bool Tokenizes { get; init; }

    /// <summary>Whether <see cref="IInferenceEngine.LoadAdapterAsync"/> is offered.</summary>
    public bool Adapters { get; init; }

    /// <summary>Whether public answers can be kept to a JSON schema (<see cref="GenerationOptions.AnswerSchema"/>).</summary>
    public bool Forms { get; init; }
}
