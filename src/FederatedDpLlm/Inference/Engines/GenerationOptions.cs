namespace FederatedDpLlm.Inference.Engines;

/// <param name="MaxTokens">At least 1.</param>
/// <param name="Temperature">0 is greedy (public path only).</param>
/// <param name="TopP">In (0, 1]; 1 keeps all.</param>
/// <param name="Stop">Texts at which generation ends; not part of the output.</param>
public sealed record GenerationOptions(int MaxTokens, double Temperature, double TopP, IReadOnlyList<string> Stop);
