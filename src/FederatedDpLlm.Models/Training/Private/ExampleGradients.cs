namespace FederatedDpLlm.Models.Training.Private;

/// <summary>The examples' own gradients of what is trained, out of a book: their norms, and their clipped sum. Holds scratch memory: one thread at a time.</summary>
internal abstract class ExampleGradients
{
    /// <summary>The squared norm of each tensor's gradient, in the order of the trained tensors.</summary>
    /// <param name="book">A recorded pass.</param>
    /// <param name="example">Its index in the pass.</param>
    /// <param name="squares">One a tensor.</param>
    public abstract void SquaredNorms(GradientBook book, int example, Span<double> squares);

    /// <summary>Adds every example's gradient, scaled down to the clip norm where it is longer; one that is not finite adds nothing.</summary>
    /// <param name="book">A recorded pass; used up.</param>
    /// <param name="clipNorm">Above 0.</param>
    /// <param name="sum">In steps of 2^-20 of the clip norm.</param>
    /// <param name="norms">Receives the examples' norms before clipping.</param>
    public abstract void AddClipped(GradientBook book, double clipNorm, GridSum sum, Span<double> norms);

    /// <summary>Steps per unit for an example of this norm; 0 for one that is not finite.</summary>
    private protected static float StepsPerUnit(double norm, double clipNorm) =>
        double.IsFinite(norm) ? (float)((1 << GridSum.GridBits) / Math.Max(clipNorm, norm)) : 0;

    private protected static double NormOf(ReadOnlySpan<double> squares)
    {
        var sum = 0.0;
        foreach (var square in squares)
        {
            sum += square;
        }

        return Math.Sqrt(sum);
    }
}
