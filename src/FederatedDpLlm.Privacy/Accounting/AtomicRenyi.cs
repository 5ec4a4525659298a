using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>Renyi divergences of Laplace noise (Mironov, arXiv:1702.07476, Proposition 6) and of mechanisms with finitely many distinct losses, by their sum.</summary>
internal static class AtomicRenyi
{
    private const double Slack = 1e-13;

    public static double Laplace(double epsilon, double alpha)
    {
        if (alpha == 1)
        {
            return Widened(epsilon + Elementary.ExpMinusOne(-epsilon), epsilon, alpha);
        }

        // alpha e^((alpha-1) epsilon) + (alpha-1) e^(-alpha epsilon) over 2 alpha - 1.
        var log = ((alpha - 1) * epsilon) + Math.Log((alpha + ((alpha - 1) * Math.Exp(-((2 * alpha) - 1) * epsilon))) / ((2 * alpha) - 1));
        return Widened(log / (alpha - 1), epsilon, alpha);
    }

    public static double DiscreteLaplace(double scale, long sensitivity, double alpha)
    {
        var epsilon = sensitivity / scale;
        var rate = Math.Exp(-1 / scale);
        double tail = 1 / (1 + rate), at = -Elementary.ExpMinusOne(-1 / scale) / (1 + rate);
        var atoms = new List<(double P, double Loss)> { (tail, epsilon), (tail * Math.Exp(-epsilon), -epsilon) };
        for (var x = 1L; x < sensitivity; x++)
        {
            atoms.Add((at * Math.Exp(-x / scale), (sensitivity - (2 * x)) / scale));
        }

        return sensitivity == 0 ? 0 : Widened(OfAtoms(atoms, alpha), epsilon, alpha);
    }

    public static double Response(RandomizedResponseEvent response, double alpha)
    {
        double other = response.NoiseProbability / response.Buckets, truth = 1 - response.NoiseProbability + other, k = response.Buckets;
        var bound = PureDp.EpsilonOf(response);
        if (response.Relation == NeighbouringRelation.ReplaceOne)
        {
            var loss = Math.Log(truth / other);
            return Widened(OfAtoms([(truth, loss), (other, -loss), ((k - 2) * other, 0)], alpha), bound, alpha);
        }

        double told = Math.Log(truth * k), untold = Math.Log(response.NoiseProbability);
        return Widened(
            Math.Max(OfAtoms([(truth, told), ((k - 1) * other, untold)], alpha), OfAtoms([(1 / k, -told), (1 - (1 / k), -untold)], alpha)), bound, alpha);
    }

    // ln sum of p e^((alpha-1) loss) over alpha - 1; at order 1 the mean loss.
    private static double OfAtoms(IReadOnlyList<(double P, double Loss)> atoms, double alpha)
    {
        if (alpha == 1)
        {
            return atoms.Sum(atom => atom.P * atom.Loss);
        }

        var largest = atoms.Max(atom => (alpha - 1) * atom.Loss);
        return (largest + Math.Log(atoms.Sum(atom => atom.P * Math.Exp(((alpha - 1) * atom.Loss) - largest)))) / (alpha - 1);
    }

    // Never above what pure epsilon implies, never below 0, and up by the rounding of the logarithm.
    private static double Widened(double divergence, double epsilon, double alpha) =>
        Math.Min(PureRenyi.Divergence(epsilon, alpha), Math.Max(0, divergence) * (1 + Slack) + (alpha == 1 ? 1e-16 : 4e-16 * (1 + (1 / (alpha - 1)))));
}
