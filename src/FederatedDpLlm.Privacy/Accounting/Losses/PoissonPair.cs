using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>
/// Poisson sampling of a pair: (1-q) Q + q P against Q ("remove"); swapped, it is "add". Every loss l becomes ln(1 - q + q e^l).
/// </summary>
/// <remarks>Zhu, Dong, Wang, arXiv:2106.08567, Theorem 11: the pair for add-or-remove is the worse of the two directions.</remarks>
internal sealed class PoissonPair(DominatingPair inner, double rate) : DominatingPair
{
    // What only Q can produce is not impossible any more where the unit was not drawn.
    public override double Smallest => inner.Below(double.NegativeInfinity).Q > 0 ? Elementary.LogOnePlus(-rate) : Amplified(inner.Smallest);

    public override double Largest => Amplified(inner.Largest);

    public override DominatingPair Witness => ReferenceEquals(inner.Witness, inner) ? this : new PoissonPair(inner.Witness, rate);

    public override Masses Above(double loss) => Mix(loss, inner.Above(Original(loss)), new(1, 1));

    public override Masses Below(double loss) => Mix(loss, inner.Below(Original(loss)), default);

    private Masses Mix(double loss, Masses masses, Masses outside) =>
        loss <= Elementary.LogOnePlus(-rate) ? outside : new(((1 - rate) * masses.Q) + (rate * masses.P), masses.Q);

    private double Original(double loss) => Math.Log(Math.Max(0, Elementary.ExpMinusOne(loss) + rate) / rate);

    private double Amplified(double loss) =>
        double.IsPositiveInfinity(loss) ? loss
        : loss > 30 ? loss + Math.Log(rate + ((1 - rate) * Math.Exp(-loss)))
        : Elementary.LogOnePlus(rate * Elementary.ExpMinusOne(loss));
}
