using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// The exact worst Renyi divergence of (epsilon, 0)-differential privacy, reached by binary randomized response: Mironov, arXiv:1702.07476, Proposition 5 with
/// p = e^epsilon/(1+e^epsilon); at order 1 epsilon tanh(epsilon/2).
/// </summary>
internal static class PureRenyi
{
    public static double Divergence(double epsilon, double order)
    {
        if (epsilon == 0)
        {
            return 0;
        }

        // alpha epsilon^2/2 and epsilon always hold (Bun, Steinke, arXiv:1605.02065, Proposition 3.3).
        var simple = Math.Min(epsilon, Rounded.MultiplyUp(order, ZeroConcentrated.OfPure(epsilon)));
        if (double.IsPositiveInfinity(order))
        {
            return simple;
        }

        if (order == 1)
        {
            return Math.Min(simple, epsilon * Math.Tanh(epsilon / 2) * (1 + (8 * Elementary.RelativeError)));
        }

        // sinh(alpha e) - sinh((alpha-1) e) over sinh(e), written without overflow; at least 1.
        var excess = order - 1;
        var numerator = 1 + Math.Exp(-((2 * order) - 1) * epsilon);
        var log = (excess * epsilon) + Math.Log(numerator) - Elementary.LogOnePlus(Math.Exp(-epsilon));
        return Math.Min(simple, (log / excess) + (16 * Elementary.RelativeError * (1 + epsilon) * (1 + (1 / excess))));
    }
}
