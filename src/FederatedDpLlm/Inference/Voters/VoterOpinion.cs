using FederatedDpLlm.Inference.Engines;

namespace FederatedDpLlm.Inference.Voters;

// References
//   Z. Zhao, E. Wallace, S. Feng, D. Klein, S. Singh, "Calibrate Before Use", ICML 2021 (arXiv:2102.09690): take away what the model says without the records.
//   U. Khandelwal et al., "Generalization through Memorization: Nearest Neighbor Language Models", ICLR 2020 (arXiv:1911.00172): likelihood joined with retrieved examples.
// Parameters
//   Calibration 1: the public log-likelihood is taken away whole.

/// <summary>One voter's vote: the option that its records make likelier than the public model finds it.</summary>
internal static class VoterOpinion
{
    /// <param name="voter">Likelihoods in the voter's context.</param>
    /// <param name="baseline">Likelihoods in the public context.</param>
    /// <param name="evidence">What the shard's records say; null where nothing.</param>
    /// <returns>The option with the best sum. A tie goes to the option that the public model prefers, then to the first: public rules.</returns>
    public static int Vote(IReadOnlyList<OptionScore> voter, IReadOnlyList<OptionScore> baseline, double[]? evidence)
    {
        var best = 0;
        for (var option = 1; option < voter.Count; option++)
        {
            best = (Opinion(option), PerToken(baseline[option])).CompareTo((Opinion(best), PerToken(baseline[best]))) > 0 ? option : best;
        }

        return best;

        double Opinion(int option) => PerToken(voter[option]) - PerToken(baseline[option]) + (evidence?[option] ?? 0);
    }

    // NaN (a hostile engine's) counts as impossible.
    private static double PerToken(OptionScore score) =>
        double.IsNaN(score.LogLikelihood) ? double.MinValue : Math.Clamp(score.LogLikelihood / Math.Max(1, score.Tokens), double.MinValue / 4, 0);
}
