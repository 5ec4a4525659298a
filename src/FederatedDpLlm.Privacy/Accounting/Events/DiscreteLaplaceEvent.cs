namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>Discrete Laplace (two-sided geometric) noise added to an integer (Ghosh, Roughgarden, Sundararajan, STOC 2009).</summary>
public sealed record DiscreteLaplaceEvent : PrivacyEvent
{
    /// <param name="scale">b of P(x) proportional to e^(-|x|/b); 0 protects nothing.</param>
    /// <param name="sensitivity">L1, under this relation, in integer steps.</param>
    /// <param name="relation">The relation of that sensitivity.</param>
    public DiscreteLaplaceEvent(double scale, long sensitivity, NeighbouringRelation relation)
        : base(relation)
    {
        Scale = Require.NotNegative(scale);
        Sensitivity = Require.AtLeast(0, sensitivity);
    }

    /// <summary>b, in integer steps.</summary>
    public double Scale { get; }

    /// <summary>L1, in integer steps.</summary>
    public long Sensitivity { get; }
}
