using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>The optimal composition of k exponential mechanisms of bounded range eta that are chosen beforehand.</summary>
/// <remarks>
/// Dong, Durfee, Rogers, arXiv:1909.13830 (their theorem on non-adaptive composition): the worst case repeats one two-outcome pair with log ratios t and t - eta, so delta is the largest over t of
/// sum C(k, i) q^(k-i) (1-q)^i max(0, e^(k t - i eta) - e^epsilon) with q = (e^-t - e^-eta)/(1 - e^-eta).
/// </remarks>
public static class BoundedRangeComposition
{
    /// <summary>delta at a total epsilon, at least 0.</summary>
    public static double OptimalDelta(double eta, int count, double epsilon)
    {
        Require.NotNegative(eta);
        Require.AtLeast(0, count);
        Require.NotNegative(epsilon);
        if (eta == 0 || count == 0)
        {
            return 0;
        }

        if (double.IsInfinity(count * eta))
        {
            return 1;
        }

        // Between the kinks of max(0, .) the sum is smooth with one maximum, at t = (epsilon + (l+1) eta)/(k+1) clipped to [0, eta].
        var best = 0.0;
        for (var l = 0; l <= count; l++)
        {
            best = Math.Max(best, DeltaAt(Math.Clamp((epsilon + ((l + 1) * eta)) / (count + 1), 0, eta), eta, count, epsilon));
        }

        return Math.Min(1, best);
    }

    private static double DeltaAt(double t, double eta, int count, double epsilon)
    {
        // ln(q e^t) and ln(1 - q): without the powers of e that cancel nothing overflows.
        double whole = -Elementary.ExpMinusOne(-eta), logFirst = Math.Log(-Elementary.ExpMinusOne(t - eta) / whole), logSecond = Math.Log(-Elementary.ExpMinusOne(-t) / whole), sum = 0;
        for (var i = 0; i <= count; i++)
        {
            var loss = (count * t) - (i * eta);
            if (loss <= epsilon)
            {
                break;
            }

            var log = Factorials.LogBinomial(count, i) + Times(count - i, logFirst) + Times(i, logSecond) + (i * (t - eta));
            sum += Math.Exp(log) * -Elementary.ExpMinusOne(epsilon - loss);
        }

        return sum;
    }

    private static double Times(int count, double log) => count == 0 ? 0 : count * log;
}
