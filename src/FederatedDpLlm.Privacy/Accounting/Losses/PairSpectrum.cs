using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>
/// The Fourier transforms of two real distributions in the room of one complex transform: they go in as real and imaginary part, and come apart by the symmetry of real signals.
/// </summary>
/// <remarks>
/// In bit-reversed order the frequencies k and -k of each block [b, 2b) are mirror images in it. The first half of a block keeps the first distribution's values, the second half the other's, so powers
/// and products go element by element. Frequency 0 and the highest one are real for both and stand apart.
/// </remarks>
internal sealed class PairSpectrum(int points)
{
    private const double UnitRoundoff = 1.2e-16;
    private readonly FourierTransform _transform = FourierTransform.OfLength(points);
    private readonly double[] _edges = [1, 1, 1, 1];
    private (double[] Real, double[] Imaginary)? _product;
    private double _inputs;
    private double _losses;

    /// <summary>Adds <paramref name="count"/> losses, tilted by <paramref name="exponent"/> a lattice point.</summary>
    /// <returns>ln E e^(theta (x - origin)) from above and from below, which normalisation took out.</returns>
    public (double Above, double Below) MultiplyBy(LossGrid grid, double exponent, long count)
    {
        double[] real = new double[points], imaginary = new double[points];
        var logs = (LossMoments.Tilt(grid.Upper, exponent, real), LossMoments.Tilt(grid.Lower, exponent, imaginary));
        _inputs += count * Norm(real, imaginary);
        _losses += count;
        _transform.Forward(real, imaginary);
        Span<double> edges = [real[0], imaginary[0], real[1], imaginary[1]];
        for (var i = 0; i < edges.Length; i++)
        {
            _edges[i] *= Math.Pow(edges[i], count);
        }

        Separate(real, imaginary);
        ComplexPower.Raise(real, imaginary, count);
        if (_product is var (productReal, productImaginary))
        {
            ComplexPower.Multiply(productReal, productImaginary, real, imaginary);
        }
        else
        {
            _product = (real, imaginary);
        }

        return logs;
    }

    /// <summary>Both distributions of the sum, from the lattice point <paramref name="first"/> on, and a bound on the Euclidean norm of either one's error.</summary>
    /// <remarks>
    /// A transform has a relative error of at most 8 u log2 N in that norm (Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., Theorem 24.2). No factor of the product exceeds 1, so the error of
    /// a power is at most its exponent times that of its base; to this adds 3 u a multiplication. Parseval's theorem carries it all back.
    /// </remarks>
    public (double[] Above, double[] Below, double Error) Sums(long first)
    {
        var (real, imaginary) = _product!.Value;
        Join(real, imaginary);
        (real[0], imaginary[0], real[1], imaginary[1]) = (_edges[0], _edges[1], _edges[2], _edges[3]);
        _transform.Backward(real, imaginary);
        double[] above = new double[points], below = new double[points];
        for (var i = 0; i < points; i++)
        {
            var from = (int)((first + i) & (points - 1));
            (above[i], below[i]) = (real[from] / points, imaginary[from] / points);
        }

        double transform = 8 * UnitRoundoff * Math.Log2(points), output = Norm(above, below);
        return (above, below, (transform * (_inputs + (2 * output))) + (3 * UnitRoundoff * _losses * output));
    }

    private static double Norm(ReadOnlySpan<double> real, ReadOnlySpan<double> imaginary) =>
        Math.Sqrt(SumOfSquares(real) + SumOfSquares(imaginary));

    private static double SumOfSquares(ReadOnlySpan<double> values)
    {
        var sum = 0.0;
        foreach (var value in values)
        {
            sum += value * value;
        }

        return sum;
    }

    // U = (Z(k) + conj Z(-k))/2, V = (Z(k) - conj Z(-k))/2i.
    private void Separate(double[] real, double[] imaginary)
    {
        for (var block = 2; block < points; block *= 2)
        {
            for (int at = block, mirror = (2 * block) - 1; at < mirror; at++, mirror--)
            {
                double zr = real[at], zi = imaginary[at], wr = real[mirror], wi = imaginary[mirror];
                (real[at], imaginary[at], real[mirror], imaginary[mirror]) = ((zr + wr) / 2, (zi - wi) / 2, (zi + wi) / 2, (wr - zr) / 2);
            }
        }
    }

    // Z(k) = U + iV, Z(-k) = conj U + i conj V.
    private void Join(double[] real, double[] imaginary)
    {
        for (var block = 2; block < points; block *= 2)
        {
            for (int at = block, mirror = (2 * block) - 1; at < mirror; at++, mirror--)
            {
                double ur = real[at], ui = imaginary[at], vr = real[mirror], vi = imaginary[mirror];
                (real[at], imaginary[at], real[mirror], imaginary[mirror]) = (ur - vi, ui + vr, ur + vi, vr - ui);
            }
        }
    }
}
