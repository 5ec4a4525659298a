using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>Composition of k identical guarantees that are fixed beforehand. Not a stopping rule for adaptively chosen ones: use a <see cref="Currency"/>.</summary>
/// <remarks>Kairouz, Oh, Viswanath, arXiv:1311.0776, Theorem 3.3 (optimal); Dwork, Rothblum, Vadhan, FOCS 2010, in the form of Dwork, Roth, Theorem 3.20.</remarks>
public static class AdvancedComposition
{
    private const double Slack = 1e-12;

    /// <summary>epsilon sqrt(2 k ln(1/delta')) + k epsilon (e^epsilon - 1), at the total delta k delta + delta'.</summary>
    public static double DworkRothblumVadhan(Epsilon epsilon, long count, Delta deltaPrime)
    {
        Require.AtLeast(0, count);
        if (count == 0 || epsilon.Value == 0)
        {
            return 0;
        }

        return deltaPrime.Value == 0
            ? double.PositiveInfinity
            : (epsilon.Value * Math.Sqrt(-2 * count * Math.Log(deltaPrime.Value))) + (count * epsilon.Value * Elementary.ExpMinusOne(epsilon.Value));
    }

    /// <summary>The exact delta at a total epsilon of k-fold (epsilon, delta): no analysis that knows only those numbers can do better.</summary>
    public static double OptimalDelta(Epsilon epsilon, Delta delta, int count, double total)
    {
        Require.AtLeast(0, count);
        var pure = PureDelta(epsilon.Value, count, total);
        var log = count * Elementary.LogOnePlus(-delta.Value);
        return Math.Clamp(-Elementary.ExpMinusOne(log) + (Math.Exp(log) * pure), 0, 1);
    }

    /// <summary>The smallest total epsilon at a total delta; null where no epsilon reaches it.</summary>
    public static double? OptimalEpsilon(Epsilon epsilon, Delta delta, int count, Delta total)
    {
        if (OptimalDelta(epsilon, delta, count, count * epsilon.Value) * (1 - Slack) > total.Value)
        {
            return null;
        }

        return Crossing.Falling(x => OptimalDelta(epsilon, delta, count, x) * (1 - Slack) - total.Value, 0, count * epsilon.Value);
    }

    /// <summary>As <see cref="OptimalEpsilon"/>, on the grid epsilon (k - 2i) of the theorem's statement.</summary>
    public static double? OptimalEpsilonOnGrid(Epsilon epsilon, Delta delta, int count, Delta total)
    {
        for (var i = count / 2; i >= 0; i--)
        {
            var candidate = epsilon.Value * (count - (2 * i));
            if (OptimalDelta(epsilon, delta, count, candidate) * (1 - Slack) <= total.Value)
            {
                return candidate;
            }
        }

        return null;
    }

    /// <summary>The largest epsilon for each of k guarantees that keeps (total epsilon, total delta) on the grid of the theorem; null where there is none.</summary>
    public static double? EpsilonEach(Epsilon total, Delta totalDelta, Delta delta, int count)
    {
        Require.AtLeast(1, count);
        for (var i = (count - 1) / 2; i >= 0; i--)
        {
            var each = total.Value / (count - (2 * i));
            if (OptimalDelta(new(each), delta, count, total.Value) * (1 - Slack) <= totalDelta.Value)
            {
                return each;
            }
        }

        return null;
    }

    // sum over l of C(k, l) e^(-l e) max(0, 1 - e^(total - (k-2l) e)) / (1 + e^-e)^k.
    private static double PureDelta(double epsilon, int count, double total)
    {
        var sum = 0.0;
        var normal = count * Elementary.LogOnePlus(Math.Exp(-epsilon));
        for (var l = 0; l <= count; l++)
        {
            var loss = (count - (2 * l)) * epsilon;
            if (loss <= total)
            {
                break;
            }

            sum += Math.Exp(Factorials.LogBinomial(count, l) - (l * epsilon) - normal) * -Elementary.ExpMinusOne(total - loss);
        }

        return sum;
    }
}
