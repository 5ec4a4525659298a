using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Evaluation;

/// <summary>The exact distributions that samplers are held to.</summary>
internal static class SamplerAnswers
{
    public static double?[] DiscreteLaplace(QueryParameters p, string quantity)
    {
        var scale = Require.Positive(p.Number("scale"));
        var rate = Math.Exp(-1 / scale);
        return Of(quantity, x => Math.Tanh(1 / (2 * scale)) * Math.Exp(-x / scale), () => 2 * rate / ((1 - rate) * (1 - rate)));
    }

    public static double?[] DiscreteGaussian(QueryParameters p, string quantity)
    {
        var sigma = p.Number("sigma");
        var mass = DiscreteGaussianMass.Of(sigma);
        return Of(quantity, x => mass(x), () => DiscreteGaussianMass.Variance(sigma));
    }

    private static double?[] Of(string quantity, Func<long, double> mass, Func<double> variance) =>
        quantity == "variance" ? [variance()]
        : quantity.StartsWith("pmf[", StringComparison.Ordinal) && long.TryParse(quantity[4..^1], out var x) ? [mass(x)]
        : throw Vocabulary.Unknown(quantity);
}
