using System.Runtime.Intrinsics;

namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>Pointwise products and whole powers of split complex arrays; the relative error of an n-th power is about n times that of its base.</summary>
internal static class ComplexPower
{
    /// <summary>Each element to the power <paramref name="exponent"/>, at least 0, by repeated squaring. Lengths are multiples of 4.</summary>
    public static void Raise(Span<double> real, Span<double> imaginary, long exponent)
    {
        for (var k = 0; k < real.Length; k += 4)
        {
            Vector256<double> xr = Vector256.Create<double>(real[k..]), xi = Vector256.Create<double>(imaginary[k..]);
            Vector256<double> yr = Vector256<double>.One, yi = Vector256<double>.Zero;
            for (var left = exponent; left > 0; left >>= 1)
            {
                if ((left & 1) == 1)
                {
                    (yr, yi) = ((yr * xr) - (yi * xi), (yr * xi) + (yi * xr));
                }

                (xr, xi) = ((xr - xi) * (xr + xi), 2 * xr * xi);
            }

            yr.CopyTo(real[k..]);
            yi.CopyTo(imaginary[k..]);
        }
    }

    /// <summary>The first pair becomes the product of both.</summary>
    public static void Multiply(Span<double> real, Span<double> imaginary, ReadOnlySpan<double> otherReal, ReadOnlySpan<double> otherImaginary)
    {
        for (var k = 0; k < real.Length; k++)
        {
            (real[k], imaginary[k]) =
                ((real[k] * otherReal[k]) - (imaginary[k] * otherImaginary[k]), (real[k] * otherImaginary[k]) + (imaginary[k] * otherReal[k]));
        }
    }
}
