using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>Laplace noise shifted by epsilon times its scale: the loss lies in [-epsilon, epsilon], with an atom at each end. Symmetric.</summary>
internal sealed class LaplacePair(double epsilon) : DominatingPair
{
    public override double Smallest => -epsilon;

    public override double Largest => epsilon;

    // The loss exceeds x where the noise (in scales) lies below (epsilon - x)/2; Q is P shifted by epsilon.
    public override Masses Above(double loss) =>
        loss >= epsilon ? default
        : loss < -epsilon ? new(1, 1)
        : new(1 - (0.5 * Math.Exp((loss - epsilon) / 2)), 0.5 * Math.Exp(-(epsilon + loss) / 2));

    public override Masses Below(double loss) =>
        loss < -epsilon ? default
        : loss >= epsilon ? new(1, 1)
        : new(0.5 * Math.Exp((loss - epsilon) / 2), 1 - (0.5 * Math.Exp(-(epsilon + loss) / 2)));

    public override double DeltaAt(double at) =>
        at >= epsilon ? 0 : at <= -epsilon ? -Elementary.ExpMinusOne(at) : -Elementary.ExpMinusOne((at - epsilon) / 2);
}
