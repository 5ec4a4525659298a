using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Calibration;

namespace FederatedDpLlm.Privacy.Evaluation;

/// <summary>The smallest noise for a promise.</summary>
internal static class CalibrationAnswers
{
    public static double SampledGaussianSigma(QueryParameters p)
    {
        Epsilon epsilon = new(p.NumberOf("target_epsilon", "epsilon"));
        var count = p.Count("compositions", 1);
        Func<PrivacyEvent, Delta, double>? accountant = p.Text("accountant") switch
        {
            null or "pld" => null,
            "rdp" => (released, delta) => Renyi.EpsilonAt(released, delta),
            var unknown => throw new QueryException($"accountant '{unknown}' is unknown"),
        };
        return NoiseCalibration.Smallest(sigma => VocabularyEvents.SampledGaussian(p, sigma).Times(count), epsilon, p.Delta(), accountant);
    }

    // One sampled direction is calibrated to the pure epsilon that sampling amplifies, whatever the delta, as the vocabulary's source does: sensitivity / ln(1 + (e^epsilon - 1)/q).
    public static double LaplaceScale(QueryParameters p) => p.Has("adjacency") && p.Count("compositions", 1) == 1
        ? p.Number("l1_sensitivity", 1) / Numerics.Elementary.LogOnePlus(Numerics.Elementary.ExpMinusOne(p.Number("epsilon")) / p.Number("sampling_prob", 1))
        : Noise(p, scale => Sampled(p, new LaplaceEvent(scale / p.Number("l1_sensitivity", 1), p.Relation(NeighbouringRelation.AddOrRemoveOne))));

    public static double DiscreteLaplaceRate(QueryParameters p) => 1 / Noise(
        p, scale => Sampled(p, new DiscreteLaplaceEvent(scale, p.Count("sensitivity", 1), p.Relation(NeighbouringRelation.AddOrRemoveOne))));

    private static double Noise(QueryParameters p, Func<double, PrivacyEvent> one)
    {
        double epsilon = p.Number("epsilon"), delta = p.Number("delta", 0);
        var count = p.Count("compositions", 1);
        return NoiseCalibration.Smallest(noise => p.Text("adjacency") switch
        {
            "REM" or "ADD" when count == 1 => PrivacyLoss.DirectedDelta(one(noise), epsilon, p.Text("adjacency") == "REM") <= delta,
            _ => PrivacyLoss.EpsilonAt(one(noise).Times(count), new(delta)).Upper <= epsilon * (1 + 1e-12),
        });
    }

    private static PrivacyEvent Sampled(QueryParameters p, PrivacyEvent one) =>
        p.Has("sampling_prob") && p.Number("sampling_prob") != 1 ? new PoissonSampledEvent(p.Number("sampling_prob"), one) : one;
}
