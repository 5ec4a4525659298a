namespace FederatedDpLlm.Privacy.Clipping;

/// <summary>Bounds what one unit can contribute, so that sensitivity is a fact and not an assumption.</summary>
/// <remarks>Abadi et al., arXiv:1607.00133 (L2). What is not a number contributes nothing, and infinities count as not a number: a unit must not be able to poison or betray the sum.</remarks>
public static class VectorClipping
{
    /// <summary>Scales the vector in place to an L2 norm of at most <paramref name="clipNorm"/>, in exact arithmetic on the result too.</summary>
    /// <param name="vector">One unit's contribution.</param>
    /// <param name="clipNorm">Finite and above 0.</param>
    /// <returns>The norm before clipping (0 where the vector was unusable and is now 0).</returns>
    public static double ToL2(Span<double> vector, double clipNorm)
    {
        Accounting.Require.Positive(clipNorm);
        var norm = Norm(vector);
        if (!double.IsFinite(norm))
        {
            vector.Clear();
            return 0;
        }

        if (norm > clipNorm)
        {
            // Down by what rounding may add: each product by half a unit, the norm by length units.
            var factor = clipNorm / norm * (1 - ((vector.Length + 8) * 1.2e-16));
            foreach (ref var coordinate in vector)
            {
                coordinate *= factor;
            }
        }

        return norm;
    }

    /// <summary>Clamps every coordinate in place to [-bound, bound]; what is not a number becomes 0.</summary>
    public static void ToLargest(Span<double> vector, double bound)
    {
        Accounting.Require.NotNegative(bound);
        foreach (ref var coordinate in vector)
        {
            coordinate = double.IsNaN(coordinate) ? 0 : Math.Clamp(coordinate, -bound, bound);
        }
    }

    private static double Norm(ReadOnlySpan<double> vector)
    {
        var largest = 0.0;
        foreach (var coordinate in vector)
        {
            if (!double.IsFinite(coordinate))
            {
                return double.NaN;
            }

            largest = Math.Max(largest, Math.Abs(coordinate));
        }

        var sum = 0.0;
        foreach (var coordinate in vector)
        {
            var scaled = largest == 0 ? 0 : coordinate / largest;
            sum += scaled * scaled;
        }

        return largest * Math.Sqrt(sum);
    }
}
