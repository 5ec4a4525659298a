namespace FederatedDpLlm.Inference.Engines;

/// <summary>What an answer took, by the engine's own count.</summary>
/// <param name="PromptTokens">Tokens of the prompt, the template's included.</param>
/// <param name="AnswerTokens">Tokens of the answer.</param>
public sealed record EngineUsage(int PromptTokens, int AnswerTokens);
