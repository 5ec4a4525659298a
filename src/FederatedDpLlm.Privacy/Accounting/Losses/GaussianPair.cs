using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>N(mu, 1) against N(0, 1): the loss is N(mu^2/2, mu^2) (Balle, Wang, arXiv:1805.06530, Lemma 3). Symmetric.</summary>
internal sealed class GaussianPair(double mu) : DominatingPair
{
    public override double Smallest => double.NegativeInfinity;

    public override double Largest => double.PositiveInfinity;

    public override Masses Above(double loss) => new(Normal.Above((loss / mu) - (mu / 2)), Normal.Above((loss / mu) + (mu / 2)));

    public override Masses Below(double loss) => new(Normal.Above((mu / 2) - (loss / mu)), Normal.Above((-mu / 2) - (loss / mu)));

    public override (Masses Above, Masses Below) Tails(double loss)
    {
        var (p, notP) = Normal.Tails((loss / mu) - (mu / 2));
        var (q, notQ) = Normal.Tails((loss / mu) + (mu / 2));
        return (new(p, q), new(notP, notQ));
    }

    public override double DeltaAt(double epsilon) => GaussianProfile.DeltaAt(mu, epsilon);
}
