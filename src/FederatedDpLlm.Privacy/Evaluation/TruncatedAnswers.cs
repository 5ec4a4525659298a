using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Accounting.Losses;

namespace FederatedDpLlm.Privacy.Evaluation;

/// <summary>Discrete Gaussian noise conditioned on [-bound, bound]: shifted supports differ, so some outcomes give everything away.</summary>
internal static class TruncatedAnswers
{
    public static double?[] Of(QueryParameters p, string quantity)
    {
        long bound = p.Count("truncation_bound"), shift = p.Count("sensitivity", 1);
        double sigma = Require.Positive(p.Number("sigma")), total = 0;
        for (var x = -bound; x <= bound; x++)
        {
            total += Math.Exp(-0.5 * x * x / (sigma * sigma));
        }

        var rate = p.Number("sampling_prob", 1);
        var atoms = new List<Masses>();
        for (var x = -bound; x <= bound + shift; x++)
        {
            double with = At(x), without = At(x - shift);
            var (upper, lower) = p.Text("adjacency") == "REM" ? (((1 - rate) * without) + (rate * with), without) : (without, ((1 - rate) * without) + (rate * with));
            atoms.Add(new(upper, lower));
        }

        return quantity == "delta" ? [new AtomicPair(atoms).DeltaAt(p.Number("epsilon"))] : throw Vocabulary.Unknown(quantity);

        double At(long x) => Math.Abs(x) <= bound ? Math.Exp(-0.5 * x * x / (sigma * sigma)) / total : 0;
    }
}
