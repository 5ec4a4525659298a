using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.Fields;

namespace FederatedDpLlm.SecureAggregation.SecretSharing;

/// <summary>
/// A polynomial over the scalar field, and its value at zero from enough other values.
/// References: Shamir, "How to share a secret", CACM 22(11), 1979; RFC 9591, sections 4.2 and appendix C (the same over this field).
/// </summary>
public sealed class Polynomial : IDisposable
{
    private readonly Scalar[] _coefficients;

    /// <param name="coefficients">The constant term first; at least one.</param>
    public Polynomial(ReadOnlySpan<Scalar> coefficients)
    {
        ArgumentOutOfRangeException.ThrowIfZero(coefficients.Length, nameof(coefficients));
        _coefficients = coefficients.ToArray();
    }

    /// <summary>A random polynomial whose value at zero is <paramref name="constant"/> and whose degree is below <paramref name="threshold"/>.</summary>
    public static Polynomial Random(in Scalar constant, int threshold, ISecureRandom random)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threshold, 1);
        var coefficients = new Scalar[threshold];
        coefficients[0] = constant;
        for (var i = 1; i < threshold; i++)
        {
            coefficients[i] = Scalar.Random(random);
        }

        var polynomial = new Polynomial(coefficients);
        Array.Clear(coefficients);
        return polynomial;
    }

    /// <summary>The value at a point (Horner's rule).</summary>
    public Scalar Evaluate(int point)
    {
        var x = Scalar.From((uint)point);
        var value = _coefficients[^1];
        for (var i = _coefficients.Length - 2; i >= 0; i--)
        {
            value = (value * x) + _coefficients[i];
        }

        return value;
    }

    /// <summary>
    /// The factors by which values at <paramref name="points"/> add up to the value at zero, for every polynomial of a degree below their number:
    /// factor i is the product over the other j of x_j / (x_j - x_i), or the product of all x over x_i and those differences.
    /// </summary>
    /// <exception cref="ArgumentException">Two points are the same, or one is not positive.</exception>
    public static Scalar[] InterpolateAtZero(ReadOnlySpan<int> points)
    {
        var factors = new Scalar[points.Length];
        var all = new SmallFactors();
        for (var i = 0; i < points.Length; i++)
        {
            factors[i] = Denominator(points, i);
            all.Multiply(points[i]);
        }

        InvertAll(factors);
        var product = all.Product;
        for (var i = 0; i < points.Length; i++)
        {
            factors[i] *= product;
        }

        return factors;
    }

    /// <summary>Wipes the coefficients.</summary>
    public void Dispose() => Array.Clear(_coefficients);

    private static Scalar Denominator(ReadOnlySpan<int> points, int i)
    {
        var own = points[i];
        var product = new SmallFactors();
        for (var j = 0; j < points.Length; j++)
        {
            if (points[j] <= 0 || (points[j] == own && j != i))
            {
                throw new ArgumentException("Interpolation needs distinct points, all of them positive.", nameof(points));
            }

            product.Multiply(j == i ? own : points[j] - own);
        }

        return product.Product;
    }

    /// <summary>Inverts every value; none is zero. Montgomery's trick: one inversion (40 us) for all, instead of one each.</summary>
    internal static void InvertAll(Span<Scalar> values)
    {
        var products = new Scalar[values.Length];
        var running = Scalar.One;
        for (var i = 0; i < values.Length; i++)
        {
            products[i] = running;
            running *= values[i];
        }

        var inverse = running.Invert();
        for (var i = values.Length - 1; i >= 0; i--)
        {
            var own = inverse * products[i];
            inverse *= values[i];
            values[i] = own;
        }
    }
}
