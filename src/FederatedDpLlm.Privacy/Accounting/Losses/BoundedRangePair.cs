namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>
/// The tight pair of all mechanisms with bounded range eta (exponential mechanism): the loss has density e^(x/2)/(4 sinh(eta/2)) on [-eta, eta] under P and the mirror
/// image under Q. Symmetric.
/// </summary>
/// <remarks>
/// The profile is the supremum over t of two-outcome pairs with log ratios t and t - eta (Dong, Durfee, Rogers, arXiv:1909.13830): delta(x) = (1 - e^((x-eta)/2))^2/(1-e^(-eta))
/// for x in [0, eta], and 1 - e^x + e^x delta(-x) below 0. A supremum of profiles is a profile, and its second derivative in e^x is the density above.
/// </remarks>
internal sealed class BoundedRangePair(double eta) : DominatingPair
{
    public override double Smallest => -eta;

    public override double Largest => eta;

    /// <summary>Holds the ends and, half way to them, the witness's two losses.</summary>
    public override double Spacing => eta / 2;

    /// <summary>The two-outcome mechanism with log ratios eta/2 and -eta/2: of all t, about the worst for many releases.</summary>
    public override DominatingPair Witness { get; } = AtomicPair.OfApproximate(eta / 2, 0);

    public override Masses Above(double loss) =>
        loss >= eta ? default : loss <= -eta ? new(1, 1) : new(Between(loss, eta), Between(-eta, -loss));

    public override Masses Below(double loss) =>
        loss <= -eta ? default : loss >= eta ? new(1, 1) : new(Between(-eta, loss), Between(-loss, eta));

    // e^(b/2) - e^(a/2) over 2 sinh(eta/2), without cancellation and without overflow.
    private double Between(double a, double b) =>
        Math.Exp((b - eta) / 2) * (Numerics.Elementary.ExpMinusOne((a - b) / 2) / Numerics.Elementary.ExpMinusOne(-eta));
}
