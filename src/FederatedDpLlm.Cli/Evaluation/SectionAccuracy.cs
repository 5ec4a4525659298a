namespace FederatedDpLlm.Cli.Evaluation;

/// <param name="Trust"><c>node</c>: one hospital answers with its own noise; <c>router</c>: all hospitals' votes, noise at the router.</param>
/// <param name="Epsilon">Per answer; null without privacy.</param>
/// <param name="Accuracy">The share of right answers, over questions and draws of noise.</param>
internal sealed record SectionAccuracy(string Trust, double? Epsilon, double Accuracy);
