namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>(Q, P) for (P, Q): every loss changes its sign. For pairs without infinite losses.</summary>
internal sealed class SwappedPair(DominatingPair inner) : DominatingPair
{
    public override double Smallest => -inner.Largest;

    public override double Largest => -inner.Smallest;

    public override Masses Above(double loss) => Swap(inner.Below(-loss));

    public override Masses Below(double loss) => Swap(inner.Above(-loss));

    private static Masses Swap(Masses masses) => new(masses.Q, masses.P);
}
