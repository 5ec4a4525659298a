namespace FederatedDpLlm.Models.Training.Private;

/// <summary>
/// The examples' own gradients of what is trained, out of a book: their norms, and their clipped sum. Every example is rounded to the grid by itself and added in
/// integers, so that what one of them moves does not depend on who else is there. Holds scratch memory: one thread at a time.
/// </summary>
internal abstract unsafe class ExampleGradients
{
    /// <summary>How many tensors are trained.</summary>
    private protected abstract int Tensors { get; }

    /// <summary>The squared norm of each tensor's gradient, in the order of the trained tensors.</summary>
    /// <param name="book">A recorded pass.</param>
    /// <param name="example">Its index in the pass.</param>
    /// <param name="squares">One a tensor.</param>
    public abstract void SquaredNorms(GradientBook book, int example, Span<double> squares);

    /// <summary>Adds every example's gradient, scaled down to the clip norm where it is longer; one that is not finite adds nothing.</summary>
    /// <param name="book">A recorded pass.</param>
    /// <param name="clipNorm">Above 0.</param>
    /// <param name="sum">In steps of 2^-20 of the clip norm; settled by the caller.</param>
    /// <param name="norms">Receives the examples' norms before clipping.</param>
    /// <exception cref="InvalidOperationException">An example would move the sum by more than <see cref="GridSum.Sensitivity"/>.</exception>
    public void AddClipped(GradientBook book, double clipNorm, GridSum sum, Span<double> norms)
    {
        Span<double> squares = stackalloc double[Tensors];
        var allowed = Math.Pow(GridSum.Sensitivity(sum.Dimension), 2);
        for (var example = 0; example < book.Examples.Count; example++)
        {
            SquaredNorms(book, example, squares);
            norms[example] = NormOf(squares);
            var scale = StepsPerUnit(norms[example], clipNorm);
            var added = 0.0;
            sum.Begin();
            for (var tensor = 0; tensor < (scale == 0 ? 0 : Tensors); tensor++)
            {
                added += sum.Add(tensor, Gradient(book, example, tensor), scale);
            }

            // What the promise rests on is counted in integers, not believed: a broken bound, or a count that is no number, ends the training before anything is released.
            if (!(added <= allowed))
            {
                throw new InvalidOperationException("An example's contribution is larger than the clip norm.");
            }
        }
    }

    /// <summary>A tensor's gradient of the example whose norms were asked for last.</summary>
    private protected abstract float* Gradient(GradientBook book, int example, int tensor);

    // Steps per unit for an example of this norm; 0 for one that is not finite.
    private static float StepsPerUnit(double norm, double clipNorm) =>
        double.IsFinite(norm) ? (float)((1 << GridSum.GridBits) / Math.Max(clipNorm, norm)) : 0;

    private static double NormOf(ReadOnlySpan<double> squares)
    {
        var sum = 0.0;
        foreach (var square in squares)
        {
            sum += square;
        }

        return Math.Sqrt(sum);
    }
}
