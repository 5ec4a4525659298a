namespace FederatedDpLlm.Inference.Engines;

/// <summary>An option's natural-log likelihood after a context, summed over its <paramref name="Tokens"/> tokens.</summary>
public readonly record struct OptionScore(double LogLikelihood, int Tokens);
