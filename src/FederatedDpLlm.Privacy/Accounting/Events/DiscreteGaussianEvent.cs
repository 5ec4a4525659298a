namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>Discrete Gaussian noise added to an integer, or to an integer vector coordinate by coordinate (Canonne, Kamath, Steinke, arXiv:2004.00010).</summary>
public sealed record DiscreteGaussianEvent : PrivacyEvent
{
    /// <param name="sigma">The parameter of the noise, in integer steps; 0 protects nothing.</param>
    /// <param name="l2Sensitivity">Under this relation, in integer steps, at least 0.</param>
    /// <param name="relation">The relation of that sensitivity.</param>
    /// <param name="dimension">How many coordinates; 1 lets accountants use the exact distribution.</param>
    public DiscreteGaussianEvent(double sigma, double l2Sensitivity, NeighbouringRelation relation, long dimension = 1)
        : base(relation)
    {
        Sigma = Require.NotNegative(sigma);
        L2Sensitivity = Require.NotNegative(l2Sensitivity);
        Dimension = Require.AtLeast(1, dimension);
    }

    /// <summary>The parameter of the noise.</summary>
    public double Sigma { get; }

    /// <summary>In integer steps.</summary>
    public double L2Sensitivity { get; }

    /// <summary>How many coordinates.</summary>
    public long Dimension { get; }
}
