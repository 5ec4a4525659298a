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

    /// <summary>The hockey-stick divergence, delta at one epsilon (which may be negative).</summary>
    public virtual double DeltaAt(double epsilon)
    {
        var above = Above(epsilon);
        return Math.Clamp(above.P - (above.Q == 0 ? 0 : Math.Exp(epsilon) * above.Q), 0, 1);
    }

    /// <summary>The same pair the other way round.</summary>
    public DominatingPair Swapped() => new SwappedPair(this);
}
