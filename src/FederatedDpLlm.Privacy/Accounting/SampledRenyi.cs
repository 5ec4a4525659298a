using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// Poisson sampling of anything with Renyi divergences at whole orders, under add-or-remove.
/// </summary>
/// <remarks>Zhu, Wang, "Poisson Subsampled Renyi Differential Privacy", ICML 2019, Theorem 5 (the general bound, with its factor of 3).</remarks>
internal static class SampledRenyi
{
    private const int LargestOrder = 256;

    /// <summary>
    /// Under the replace relation a unit that is not drawn makes no difference, and one that is, its whole: ln(1 - q + q e^((alpha-1) D))/(alpha - 1), as if it were seen which of the two it was.
    /// </summary>
    public static double Masked(double divergence, double rate, double alpha)
    {
        var exponent = (alpha - 1) * divergence;
        var bound = alpha == 1 ? rate * divergence
            : exponent > 30 ? divergence + (Math.Log(rate + ((1 - rate) * Math.Exp(-exponent))) / (alpha - 1))
            : Elementary.LogOnePlus(rate * Elementary.ExpMinusOne(exponent)) / (alpha - 1);
        return Math.Min(divergence, (bound * (1 + 1e-12)) + 1e-300);
    }

    public static double Divergence(PoissonSampledEvent sampled, double alpha)
    {
        var whole = (int)Math.Min(Math.Ceiling(alpha), LargestOrder + 1);
        var unsampled = Renyi.DivergenceOf(sampled.Part, new(alpha));
        if (whole > LargestOrder || !double.IsFinite(unsampled) || !double.IsFinite(Renyi.DivergenceOf(sampled.Part, new(Math.Max(2, whole)))))
        {
            return unsampled;
        }

        // Divergences grow with the order: a fractional order takes the next whole one, and order 1 takes 2.
        return Math.Min(unsampled, Whole(sampled.SamplingRate, Math.Max(2, whole), order => Renyi.DivergenceOf(sampled.Part, new(order))));
    }

    private static double Whole(double rate, int alpha, Func<int, double> divergence)
    {
        double logRate = Math.Log(rate), logRest = Elementary.LogOnePlus(-rate), sum = 0;
        var first = ((alpha - 1) * logRest) + Elementary.LogOnePlus((alpha - 1) * rate);
        var terms = new List<double> { first };
        for (var l = 2; l <= alpha; l++)
        {
            terms.Add(Factorials.LogBinomial(alpha, l) + ((alpha - l) * logRest) + (l * logRate) + ((l - 1) * divergence(l)) + (l == 2 ? 0 : Math.Log(3)));
        }

        var largest = terms.Max();
        sum = terms.Sum(term => Math.Exp(term - largest));
        return (Math.Max(0, largest + Math.Log(sum)) / (alpha - 1) * (1 + 1e-12)) + 1e-14;
    }
}
