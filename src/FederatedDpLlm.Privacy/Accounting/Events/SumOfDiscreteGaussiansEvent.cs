using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// A sum of integer vectors to which each of several parties added its own discrete Gaussian noise, as under secure aggregation. A sum of discrete Gaussians is not one,
/// and the difference costs a term that grows with the dimension.
/// </summary>
/// <remarks>Kairouz, Liu, Steinke, arXiv:2102.06387, Theorem 1 and Proposition 14.</remarks>
public sealed record SumOfDiscreteGaussiansEvent : PrivacyEvent
{
    /// <param name="summands">Parties whose noise is surely in the sum: those that dropped out or may collude are not counted. At least 1.</param>
    /// <param name="sigma">Of each party's noise, in integer steps.</param>
    /// <param name="l2Sensitivity">In integer steps, after scaling, rotation and rounding: see <see cref="AfterStochasticRounding"/>.</param>
    /// <param name="dimension">Coordinates of the vector.</param>
    /// <param name="relation">The relation of the sensitivity.</param>
    public SumOfDiscreteGaussiansEvent(int summands, double sigma, double l2Sensitivity, long dimension, NeighbouringRelation relation)
        : base(relation)
    {
        Summands = Require.AtLeast(1, summands);
        Sigma = Require.NotNegative(sigma);
        L2Sensitivity = Require.NotNegative(l2Sensitivity);
        Dimension = Require.AtLeast(1, dimension);
    }

    /// <summary>Parties whose noise is in the sum.</summary>
    public int Summands { get; }

    /// <summary>Of each party's noise, in integer steps.</summary>
    public double Sigma { get; }

    /// <summary>In integer steps.</summary>
    public double L2Sensitivity { get; }

    /// <summary>Coordinates.</summary>
    public long Dimension { get; }

    /// <summary>
    /// A bound on the L2 norm, in integer steps, of a vector of norm at most <paramref name="l2Norm"/> (in steps, before rounding) after stochastic rounding that is drawn
    /// again until it keeps to this bound; a try keeps to it with probability at least 1 - <paramref name="retryProbability"/>.
    /// </summary>
    /// <remarks>Equation 1 of the paper (conditional randomized rounding). A replaced contribution moves the sum by up to twice this bound.</remarks>
    /// <param name="l2Norm">Of the scaled vector.</param>
    /// <param name="dimension">Coordinates.</param>
    /// <param name="retryProbability">beta, in [0, 1); 0 gives the bound that no rounding exceeds.</param>
    public static double AfterStochasticRounding(double l2Norm, long dimension, double retryProbability)
    {
        Require.NotNegative(l2Norm);
        Require.AtLeast(1, dimension);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(Require.Probability(retryProbability), 1);
        var always = Rounded.AddUp(l2Norm, Rounded.RootUp(Rounded.OfUp(dimension)));
        if (retryProbability == 0)
        {
            return always;
        }

        var spread = Rounded.AddUp(l2Norm, Rounded.RootUp(Rounded.OfUp(dimension)) / 2);
        var tail = Math.Sqrt(-2 * Math.Log(retryProbability)) * (1 + Elementary.RelativeError);
        var square = Rounded.AddUp(Rounded.AddUp(Rounded.SquareUp(l2Norm), Rounded.OfUp(dimension) / 4), Rounded.MultiplyUp(tail, spread));
        return Math.Min(always, Rounded.RootUp(square));
    }
}
