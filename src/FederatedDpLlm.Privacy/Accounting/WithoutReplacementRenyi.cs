using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>Gaussian noise on a random subset of fixed size, under the replace relation: an upper bound.</summary>
/// <remarks>
/// Wang, Balle, Kasiviswanathan, arXiv:1808.00087, Theorem 9, in the form with ternary divergences: 1 + sum over j of C(alpha, j) q^j zeta(j), where zeta(2) is at most
/// min(4 (e^D2 - 1), 2 e^D2), and zeta(j) at most 4 sqrt(B(2 floor(j/2)) B(2 ceil(j/2))) with B(l) = E[(P/Q - 1)^l], or 2 e^((j-1) Dj). Between whole orders the logarithm of the moment is
/// interpolated, which its convexity allows.
/// </remarks>
internal static class WithoutReplacementRenyi
{
    private const int LargestOrder = 256;
    private const double LargestMu = 20;

    public static double Divergence(SampledWithoutReplacementEvent sampled, double alpha)
    {
        var unsampled = Renyi.DivergenceOf(sampled.Part, new(alpha));
        var rate = sampled.Sample / (double)sampled.Population;
        if (rate is 0 or 1 || alpha > LargestOrder || sampled.Part is not GaussianEvent { NoiseMultiplier: > 0 } noise)
        {
            return rate == 0 ? 0 : unsampled;
        }

        var mu = 1 / noise.NoiseMultiplier;
        if (!(mu < LargestMu))
        {
            return unsampled;
        }

        int floor = (int)Math.Floor(alpha), ceiling = (int)Math.Ceiling(alpha);
        if (alpha == 1)
        {
            return Math.Min(unsampled, Whole(rate, mu, 2) * (1 + 1e-10));
        }

        var weight = ceiling - alpha;
        var log = ceiling == floor ? Whole(rate, mu, floor) : (weight * Whole(rate, mu, floor)) + ((1 - weight) * Whole(rate, mu, ceiling));
        return Math.Min(unsampled, log / (alpha - 1) * (1 + 1e-10));
    }

    // ln of the bound on the alpha-th moment; 0 at order 1.
    private static double Whole(double rate, double mu, int alpha)
    {
        double squared = mu * mu, sum = 0;
        for (var j = 2; j <= alpha; j++)
        {
            // Divergence of order j is j mu^2/2.
            var logMoment = 0.5 * j * (j - 1) * squared;
            var zeta = j == 2
                ? Math.Min(Math.Log(4) + squared + Math.Log(-Elementary.ExpMinusOne(-squared)), Math.Log(2) + squared)
                : Math.Min(Math.Log(4) + (0.5 * (LogCentral(mu, j / 2 * 2) + LogCentral(mu, (j + 1) / 2 * 2))), Math.Log(2) + logMoment);
            var term = Factorials.LogBinomial(alpha, j) + (j * Math.Log(rate)) + zeta;
            if (term > 600)
            {
                // Leave the plain sum: the largest term and the count bound it.
                return LogSpace(rate, mu, alpha);
            }

            sum += Math.Exp(term);
        }

        return Elementary.LogOnePlus(sum);
    }

    private static double LogSpace(double rate, double mu, int alpha)
    {
        var terms = Enumerable.Range(2, Math.Max(0, alpha - 1))
            .Select(j => Factorials.LogBinomial(alpha, j) + (j * Math.Log(rate)) + Math.Log(2) + (0.5 * j * (j - 1) * mu * mu)).Append(0).ToArray();
        var largest = terms.Max();
        return largest + Math.Log(terms.Sum(term => Math.Exp(term - largest)));
    }

    // ln E[(e^(mu z - mu^2/2) - 1)^l] for even l, by the trapezoidal rule: terms of at least 0.
    private static double LogCentral(double mu, int l)
    {
        double step = Math.Min(0.25, 0.5 / mu), to = (l * mu) + 10, sum = 0, scale = 0.5 * l * (l - 1) * mu * mu;
        for (var z = -10.0; z <= to; z += step)
        {
            var change = Math.Abs(Elementary.ExpMinusOne((mu * z) - (0.5 * mu * mu)));
            if (change > 0)
            {
                sum += Math.Exp((l * Math.Log(change)) - (0.5 * z * z) - scale);
            }
        }

        return Math.Log(sum * step / Math.Sqrt(2 * Math.PI)) + scale;
    }
}
