using System.Numerics;
using System.Runtime.Intrinsics;

namespace FederatedDpLlm.Privacy.Clipping;

/// <summary>Bounds what one unit can contribute, so that sensitivity is a fact and not an assumption.</summary>
/// <remarks>Abadi et al., arXiv:1607.00133 (L2). What is not a number contributes nothing, and infinities count as not a number: a unit must not be able to poison or betray the sum.</remarks>
public static class VectorClipping
{
    private const double SmallestFloatNorm = 1e-30;

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

    /// <summary>As for doubles; for gradients as models compute them, eight coordinates at a time.</summary>
    /// <param name="vector">One unit's contribution.</param>
    /// <param name="clipNorm">At least 1e-30, finite.</param>
    /// <returns>The norm before clipping (0 where the vector was unusable and is now 0).</returns>
    public static double ToL2(Span<float> vector, double clipNorm)
    {
        if (!(clipNorm >= SmallestFloatNorm && double.IsFinite(clipNorm)))
        {
            throw new ArgumentOutOfRangeException(nameof(clipNorm), clipNorm, "clipNorm is a finite number of at least 1e-30.");
        }

        // Squares of floats neither overflow nor vanish as doubles, so what is not finite shows in the sum.
        var norm = Math.Sqrt(SumOfSquares(vector));
        if (!double.IsFinite(norm))
        {
            vector.Clear();
            return 0;
        }

        if (norm > clipNorm)
        {
            // Factor and products are rounded by 2^-24 each; the sum of 2^27 squares by less than 2^-27.
            Scale(vector, (float)(clipNorm / norm * (1 - Math.ScaleB(1, -22))));
        }

        return norm;
    }

    /// <summary>Clamps every coordinate in place to [-bound, bound]; what is not a number becomes 0.</summary>
    public static void ToLargest(Span<double> vector, double bound) => Clamp(vector, Accounting.Require.NotNegative(bound));

    /// <inheritdoc cref="ToLargest(Span{double}, double)"/>
    public static void ToLargest(Span<float> vector, float bound) => Clamp(vector, (float)Accounting.Require.NotNegative(bound));

    private static void Clamp<T>(Span<T> vector, T bound)
        where T : IBinaryFloatingPointIeee754<T>
    {
        foreach (ref var coordinate in vector)
        {
            coordinate = T.IsNaN(coordinate) ? T.Zero : T.Clamp(coordinate, -bound, bound);
        }
    }

    // Lanes are fixed, so the norm is the same on every machine.
    private static double SumOfSquares(ReadOnlySpan<float> vector)
    {
        Vector256<double> even = default, odd = default;
        var i = 0;
        for (; i <= vector.Length - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            var (low, high) = Vector256.Widen(Vector256.Create(vector[i..]));
            even += low * low;
            odd += high * high;
        }

        var sum = Vector256.Sum(even + odd);
        for (; i < vector.Length; i++)
        {
            sum += (double)vector[i] * vector[i];
        }

        return sum;
    }

    private static void Scale(Span<float> vector, float factor)
    {
        var i = 0;
        for (; i <= vector.Length - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            (Vector256.Create<float>(vector[i..]) * factor).CopyTo(vector[i..]);
        }

        for (; i < vector.Length; i++)
        {
            vector[i] *= factor;
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
