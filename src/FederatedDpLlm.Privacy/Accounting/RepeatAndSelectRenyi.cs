using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>The best of a random number of repetitions, in Renyi divergence.</summary>
/// <remarks>
/// Papernot, Steinke, arXiv:2110.03620, Theorem 2: with K from the truncated negative binomial distribution of shape eta and parameter gamma, the divergence of order alpha is at most
/// D(alpha) + (1 + eta)(1 - 1/beta) D(beta) + (1 + eta) ln(1/gamma)/beta + ln(E K)/(alpha - 1), for every order beta of at least 1.
/// </remarks>
internal static class RepeatAndSelectRenyi
{
    private const double Slack = 1e-9;

    public static double Divergence(RepeatAndSelectEvent selected, double alpha)
    {
        if (alpha == 1)
        {
            // Divergences grow with the order; near 1 the last term has no bound.
            alpha = 2;
        }

        var logInverse = LogInverseGamma(selected.MeanRepetitions, selected.Shape);
        var best = (1 + selected.Shape) * logInverse;
        foreach (var beta in RenyiCurve.DefaultOrders)
        {
            best = Math.Min(best, (1 + selected.Shape) * (((1 - (1 / beta)) * Renyi.DivergenceOf(selected.Part, new(beta))) + (logInverse / beta)));
        }

        return (Renyi.DivergenceOf(selected.Part, new(alpha)) + best + (Math.Log(selected.MeanRepetitions) / (alpha - 1))) * (1 + Slack);
    }

    // ln(1/gamma) of the distribution with this mean, rounded up: the mean grows with it.
    private static double LogInverseGamma(double mean, double shape)
    {
        if (mean == 1)
        {
            return 0;
        }

        double low = 0, high = 1;
        while (Mean(high, shape) < mean)
        {
            (low, high) = (high, 2 * high);
        }

        for (var i = 0; i < 60; i++)
        {
            var middle = (low + high) / 2;
            (low, high) = Mean(middle, shape) < mean ? (middle, high) : (low, middle);
        }

        return high * (1 + Slack);
    }

    // eta (1 - gamma)/(gamma (1 - gamma^eta)), or (1/gamma - 1)/ln(1/gamma) for eta 0 (Definition 1 there), with l = ln(1/gamma).
    private static double Mean(double l, double shape)
    {
        var odds = Elementary.ExpMinusOne(l);
        return Math.Abs(shape) < 1e-12 ? odds / l : shape * odds / -Elementary.ExpMinusOne(-shape * l);
    }
}
