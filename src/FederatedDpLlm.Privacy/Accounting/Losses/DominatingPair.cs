namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>
/// A pair of distributions (P, Q) whose hockey-stick divergence bounds an event's at every epsilon, as tails of its privacy loss ln(dP/dQ). Outcomes that Q cannot
/// produce have an infinite loss and belong to <see cref="Above"/> everywhere.
/// </summary>
/// <remarks>Zhu, Dong, Wang, arXiv:2106.08567 (dominating pairs compose, also adaptively: Theorem 10).</remarks>
internal abstract class DominatingPair
{
    /// <summary>No finite loss lies below; may be minus infinity.</summary>
    public abstract double Smallest { get; }

    /// <summary>No finite loss lies above; may be infinite.</summary>
    public abstract double Largest { get; }

    /// <summary>Outcomes with a loss above <paramref name="loss"/>, with small relative error where small.</summary>
    public abstract Masses Above(double loss);

    /// <summary>Outcomes with a loss of at most (or just below) <paramref name="loss"/>, with small relative error where small.</summary>
    public abstract Masses Below(double loss);

    /// <summary>Both at once.</summary>
    public virtual (Masses Above, Masses Below) Tails(double loss) => (Above(loss), Below(loss));

    /// <summary>
    /// Nats between losses of a lattice through <see cref="Smallest"/> on which every outcome of its own mass lies (by default the ends of the range); 0 where there is none.
    /// </summary>
    public virtual double Spacing => double.IsFinite(Largest - Smallest) ? Largest - Smallest : 0;

    /// <summary>What the logarithm of a ratio of masses may be off; 0 where no outcome has a mass of its own.</summary>
    public virtual double Rounding => Spacing > 0 ? 1e-14 * (1 + Math.Max(Math.Abs(Smallest), Math.Abs(Largest))) : 0;

    /// <summary>Whether nothing lies between the points of that lattice: then a grid on it is exact.</summary>
    public virtual bool IsLattice => false;

    /// <summary>
    /// A pair that some mechanism of this description really has. Mostly the dominating one itself; where that is only a bound over many mechanisms, compositions of it may be above all of them.
    /// </summary>
    public virtual DominatingPair Witness => this;

    /// <summary>The hockey-stick divergence, delta at one epsilon (which may be negative).</summary>
    public virtual double DeltaAt(double epsilon)
    {
        var above = Above(epsilon);
        return Math.Clamp(above.P - (above.Q == 0 ? 0 : Math.Exp(epsilon) * above.Q), 0, 1);
    }

    /// <summary>The same pair the other way round.</summary>
    public DominatingPair Swapped() => new SwappedPair(this);
}
