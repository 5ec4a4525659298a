using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>Kairouz, Liu, Steinke, arXiv:2102.06387: rho of a sum of discrete Gaussians (Theorem 1, Proposition 14, which ask for sigma of at least 1/2), rounded up.</summary>
/// <remarks>Whatever sigma is, the other parties' noise is post-processing of one party's: the sum costs at most what that one alone costs.</remarks>
internal static class SumOfDiscreteGaussians
{
    // What is above 0 and underflows.
    private const double Least = 1e-300;
    private const double LeastSigma = 0.5;

    public static double Rho(SumOfDiscreteGaussiansEvent released)
    {
        if (released.L2Sensitivity == 0)
        {
            return 0;
        }

        if (released.Sigma == 0)
        {
            return double.PositiveInfinity;
        }

        var alone = Rounded.DivideUp(Rounded.SquareUp(released.L2Sensitivity), Rounded.SquareDown(released.Sigma)) / 2;
        if (released.Summands == 1 || released.Sigma < LeastSigma)
        {
            return Math.Max(Least, alone);
        }

        var tau = Tau(released.Summands, released.Sigma);
        var variance = Rounded.MultiplyDown(released.Summands, Rounded.SquareDown(released.Sigma));
        var square = Rounded.DivideUp(Rounded.SquareUp(released.L2Sensitivity), variance);
        if (!double.IsFinite(square))
        {
            return double.PositiveInfinity;
        }

        var root = Rounded.RootUp(square);
        var dimension = Rounded.OfUp(released.Dimension);

        // alpha D2^2/2 + tau d; and alpha/2 (D2 + sqrt(d) tau)^2, with D2 = L2 sensitivity / (sqrt(n) sigma). The order is at least 1.
        var additive = Rounded.AddUp(square / 2, Rounded.MultiplyUp(tau, dimension));
        var together = Rounded.AddUp(root, Rounded.MultiplyUp(Rounded.RootUp(dimension), tau));

        // alpha/2 (D2^2 + 2 D1 tau + tau^2 d) with D1 at most D2 min(sqrt(d), L2 sensitivity): integers satisfy |x| <= x^2.
        var l1 = Rounded.MultiplyUp(root, Math.Min(Rounded.RootUp(dimension), released.L2Sensitivity));
        var crossed = Rounded.AddUp(
            Rounded.AddUp(square, 2 * Rounded.MultiplyUp(l1, tau)),
            Rounded.MultiplyUp(Rounded.SquareUp(tau), dimension));
        return Math.Max(Least, Math.Min(Math.Min(alone, additive), Math.Min(Rounded.SquareUp(together), crossed) / 2));
    }

    /// <summary>tau = 10 sum over k = 1..n-1 of exp(-2 pi^2 sigma^2 k/(k+1)).</summary>
    public static double Tau(int summands, double sigma)
    {
        // Far beyond where e^-x is 0.
        var exponent = Math.Min(1e6, 2 * Math.PI * Math.PI * sigma * sigma);
        var sum = 0.0;
        for (var k = summands - 1; k >= 1; k--)
        {
            sum += Math.Exp(-exponent * k / (k + 1.0));
        }

        // Relative error: that of the exponent (a few units of it) plus one unit a term.
        return 10 * sum * (1 + (8 * Elementary.RelativeError * (1 + exponent)) + (summands * Elementary.RelativeError));
    }
}
