using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// The Poisson-sampled Gaussian under add-or-remove, exactly: with r(z) = 1 - q + q e^(mu z - mu^2/2) and z ~ N(0, 1), the divergence is ln E[r^alpha]/(alpha - 1), the larger of the two
/// directions.
/// </summary>
/// <remarks>
/// Mironov, Talwar, Zhang, arXiv:1908.10530, Theorem 4 and Section 3.3. E[r] = 1, so E[r^alpha] - 1 is written as a sum of terms that are all at least 0 (nothing cancels however small q
/// is): whole orders by the binomial sum, fractional ones by the trapezoidal rule, which converges geometrically for this integrand (Trefethen, Weideman, SIAM Review 2014).
/// </remarks>
internal static class SampledGaussianRenyi
{
    // The rule's error e^(-2 pi pi / (mu h)) at h = 1/(2 mu) is e^-39, and e^(-2 pi^2 / h^2) at h = 1/4 far below; sums lose a few digits more.
    private const double Slack = 1e-11;
    private const double Reach = 10;
    private const double MostSteps = 1e5;

    // At most 10^5 terms of e^-60 of the largest are left out.
    private const double Negligible = 60;

    public static double Divergence(double rate, double mu, double alpha)
    {
        if (mu == 0 || rate == 0)
        {
            return 0;
        }

        var unsampled = Rounded.MultiplyUp(alpha, Rounded.SquareUp(mu) / 2 * (1 + 1e-15));
        if (!double.IsFinite(unsampled) || mu * mu * Math.Min(alpha, 128) > MostSteps)
        {
            return unsampled;
        }

        var divergence = alpha == 1 ? KullbackLeibler(rate, mu)
            : alpha == Math.Floor(alpha) || alpha > 128 ? WholeOrder(rate, mu, (long)Math.Ceiling(alpha), alpha)
            : LogOnePlusExp(LogExcess(rate, mu, alpha)) / (alpha - 1);
        return Math.Min(unsampled, (divergence * (1 + Slack)) + 1e-300);
    }

    // Above 128, a fractional order takes the next whole one: divergences grow with the order. The sum of C(n,k) (1-q)^(n-k) q^k (e^(k(k-1) mu^2/2) - 1) runs from both ends inwards.
    private static double WholeOrder(double rate, double mu, long whole, double alpha)
    {
        double logRate = Math.Log(rate), logRest = Elementary.LogOnePlus(-rate), largest = double.NegativeInfinity, sum = 0;

        // A logarithm of these terms is first concave, then convex, then concave again, as its second difference mu^2 - 1/k - 1/(n-k) rises and falls. So all terms lie below one of two points if at
        // the lower one they fall, or both lie where it is convex, and at the upper one they fall on the way down, or it is convex there.
        bool IsConvex(long k) => mu * mu > (1.0 / k) + (1.0 / (whole - k));
        Add(whole);
        var last = double.NegativeInfinity;
        var low = 2L;
        for (; low < whole && Add(low) is var term && (term >= largest - Negligible || (term >= last && !IsConvex(low))); low++)
        {
            last = term;
        }

        last = double.NegativeInfinity;
        for (var high = whole - 1; high > low && Add(high) is var term && (term >= largest - Negligible || (term >= last && !IsConvex(high))); high--)
        {
            last = term;
        }

        return LogOnePlusExp(largest + Math.Log(sum)) / (Math.Max(whole, alpha) - 1);

        double Add(long k)
        {
            var exponent = 0.5 * k * (k - 1) * mu * mu;
            var rest = Factorials.LogBinomial(whole, k) + ((whole - k) * logRest) + (k * logRate);
            var term = rest + LogExpMinusOne(exponent);
            if (term > largest)
            {
                (sum, largest) = ((sum * Math.Exp(largest - term)) + 1, term);
            }
            else
            {
                sum += Math.Exp(term - largest);
            }

            return rest + exponent;
        }
    }

    // ln of E[r^alpha - 1 - alpha (r - 1)], scaled by the larger of 1 and E[(q r')^alpha] with r' = e^(mu z - mu^2/2), which alone could overflow: r is at most twice the larger of 1 and q r'.
    private static double LogExcess(double rate, double mu, double alpha)
    {
        double step = Math.Min(0.25, 0.5 / mu), from = -Reach, to = (alpha * mu) + Reach, scale = Math.Max(0, (alpha * Math.Log(rate)) + (0.5 * alpha * (alpha - 1) * mu * mu)), sum = 0;
        for (var z = from; z <= to; z += step)
        {
            var logDensity = (-0.5 * z * z) - scale;
            var shift = (mu * z) - (0.5 * mu * mu);
            var logRatio = shift > 40 ? LogOnePlusExp(Math.Log(rate) + shift) : Elementary.LogOnePlus(rate * Elementary.ExpMinusOne(shift));
            sum += alpha * logRatio > 30
                ? Math.Exp((alpha * logRatio) + logDensity)
                : Excess(logRatio, alpha) * Math.Exp(logDensity);
        }

        return Math.Log(sum * step / Math.Sqrt(2 * Math.PI)) + scale;
    }

    // r^alpha - 1 - alpha (r - 1), at least 0 for alpha above 1.
    private static double Excess(double logRatio, double alpha)
    {
        var change = Elementary.ExpMinusOne(logRatio);
        if (Math.Abs(change) * alpha < 1e-3)
        {
            // Four terms of the binomial series: the next is below 1e-12 relatively.
            var d = change;
            return 0.5 * alpha * (alpha - 1) * d * d * (1 + ((alpha - 2) / 3 * d * (1 + ((alpha - 3) / 4 * d * (1 + ((alpha - 4) / 5 * d))))));
        }

        return Math.Max(0, Elementary.ExpMinusOne(alpha * logRatio) - (alpha * change));
    }

    private static double KullbackLeibler(double rate, double mu)
    {
        double step = Math.Min(0.25, 0.5 / mu), sum = 0;
        for (var z = -Reach; z <= mu + Reach; z += step)
        {
            var change = rate * Elementary.ExpMinusOne((mu * z) - (0.5 * mu * mu));
            var term = Math.Abs(change) < 1e-3
                ? change * change * (0.5 - (change * ((1 / 6.0) - (change * ((1 / 12.0) - (change / 20))))))
                : ((1 + change) * Elementary.LogOnePlus(change)) - change;
            sum += Math.Max(0, term) * Math.Exp(-0.5 * z * z);
        }

        return sum * step / Math.Sqrt(2 * Math.PI);
    }

    private static double LogExpMinusOne(double x) => x > 40 ? x : Math.Log(Elementary.ExpMinusOne(x));

    private static double LogOnePlusExp(double x) => x > 40 ? x : Elementary.LogOnePlus(Math.Exp(x));
}
