namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>
/// With some probability the inner pair, else nothing at all, and which of the two is seen: sampling under the replace relation, where a unit that is not drawn makes no difference.
/// </summary>
/// <remarks>
/// The replaced unit is drawn in both data sets or in neither. Joint convexity of the hockey-stick divergence (Balle, Barthe, Gaboardi, arXiv:1807.01647) gives q delta(epsilon) for epsilon of at
/// least 0, and a release that also shows how many units were drawn reaches it.
/// </remarks>
internal sealed class MaskedPair(DominatingPair inner, double rate) : DominatingPair
{
    public override double Smallest => Math.Min(0, inner.Smallest);

    public override double Largest => Math.Max(0, inner.Largest);

    /// <summary>Half the inner one's, so that no loss at all, 0, is on the lattice where the inner pair is symmetric.</summary>
    public override double Spacing => inner.Spacing / 2;

    public override Masses Above(double loss) => Mix(inner.Above(loss), loss < 0);

    public override Masses Below(double loss) => Mix(inner.Below(loss), loss >= 0);

    private Masses Mix(Masses masses, bool withNothing)
    {
        var nothing = withNothing ? 1 - rate : 0;
        return new((rate * masses.P) + nothing, (rate * masses.Q) + nothing);
    }
}
