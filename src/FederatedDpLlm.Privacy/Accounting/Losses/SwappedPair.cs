namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>(Q, P) for (P, Q): every loss changes its sign.</summary>
internal sealed class SwappedPair(DominatingPair inner) : DominatingPair
{
    public override double Smallest => -inner.Largest;

    public override double Largest => -inner.Smallest;

    public override DominatingPair Witness => ReferenceEquals(inner.Witness, inner) ? this : new SwappedPair(inner.Witness);

    public override double Spacing => inner.Spacing;

    public override double Rounding => inner.Rounding;

    public override bool IsLattice => inner.IsLattice;

    public override (Masses Above, Masses Below) Tails(double loss)
    {
        var (above, below) = inner.Tails(-loss);
        return (Swap(below), Swap(above));
    }

    public override Masses Above(double loss) => Swap(inner.Below(-loss));

    public override Masses Below(double loss) => Swap(inner.Above(-loss));

    private static Masses Swap(Masses masses) => new(masses.Q, masses.P);
}
