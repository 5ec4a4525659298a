namespace FederatedDpLlm.Privacy.Numerics;

/// <summary>The standard normal distribution with relative accuracy in both tails (better than 1e-13 where the result is above 1e-300).</summary>
/// <remarks>
/// Phi(-x) = e^(-x^2/2) erfcx(x/sqrt 2)/2 with the scaled complementary error function erfcx(x) = e^(x^2) erfc(x), which is smooth in t = 1/(1 + x/4): polynomials of
/// degree 7 on 128 pieces of t, fitted once at start to a slow and obvious evaluation (Taylor series below 1, continued fraction above; Abramowitz, Stegun, 7.1.6 and 7.1.14).
/// </remarks>
internal static class Normal
{
    private const int Pieces = 128;
    private const int Nodes = 8;
    // Beyond, pieces of t near 0 would lose digits in proportion to x.
    private const double AsymptoticFrom = 1000;
    private const double InverseRoot2 = 0.70710678118654752440;
    private const double InverseRootPi = 0.56418958354775628695;
    private static readonly double[] Coefficients = Fit();

    /// <summary>P(N(0,1) &lt;= x).</summary>
    public static double Cdf(double x) => x > 0 ? 1 - UpperTail(x) : UpperTail(-x);

    /// <summary>P(N(0,1) &gt; x), accurate in the upper tail.</summary>
    public static double Above(double x) => x < 0 ? 1 - UpperTail(-x) : UpperTail(x);

    /// <summary>P(N(0,1) &gt; x) and P(N(0,1) &lt;= x), each accurate in its tail, from one evaluation.</summary>
    public static (double Above, double Below) Tails(double x)
    {
        var tail = UpperTail(Math.Abs(x));
        return x < 0 ? (1 - tail, tail) : (tail, 1 - tail);
    }

    /// <summary>e^(x^2) erfc(x) for x at least 0.</summary>
    public static double ScaledErfc(double x)
    {
        if (x > AsymptoticFrom)
        {
            // 1 - 1/(2 x^2) + 3/(4 x^4): the next term is below 2e-12 x^-2.
            var square = 1 / (x * x);
            return InverseRootPi / x * (1 - (square * (0.5 - (0.75 * square))));
        }

        var t = Pieces / (1 + (x * 0.25));
        var piece = Math.Min((int)t, Pieces - 1);
        var u = t - piece;
        var at = piece * Nodes;
        var c = Coefficients;
        var value = c[at + 7];
        for (var k = 6; k >= 0; k--)
        {
            value = (value * u) + c[at + k];
        }

        return value;
    }

    /// <summary>The x with Above(x) = p, for 0 &lt; p &lt; 1, to a relative 1e-12 of p.</summary>
    public static double InverseAbove(double probability)
    {
        if (probability > 0.5)
        {
            return -InverseAbove(1 - probability);
        }

        // Newton on ln Above, which is concave, from a bound on the right (Above(x) is at most e^(-x^2/2)/2): it never crosses the root. In logarithms nothing underflows.
        double log = Math.Log(probability), x = Math.Sqrt(Math.Max(0, -2 * (log + Math.Log(2))));
        for (var i = 0; i < 60; i++)
        {
            var scaled = ScaledErfc(x * InverseRoot2);
            var step = (Math.Log(0.5 * scaled) - (0.5 * x * x) - log) * scaled * Math.Sqrt(Math.PI / 2);
            x += step;
            if (Math.Abs(step) <= 1e-14 * (1 + x))
            {
                break;
            }
        }

        return x;
    }

    private static double UpperTail(double x) => double.IsPositiveInfinity(x) ? 0 : 0.5 * Math.Exp(-0.5 * x * x) * ScaledErfc(x * InverseRoot2);

    private static double Slow(double x)
    {
        if (x < 1)
        {
            // erf(x) = 2/sqrt(pi) e^(-x^2) sum 2^n x^(2n+1)/(2n+1)!!: positive terms.
            double term = x, sum = x;
            for (var n = 1; term > sum * 1e-18; n++)
            {
                term *= 2 * x * x / ((2 * n) + 1);
                sum += term;
            }

            return Math.Exp(x * x) - (2 * InverseRootPi * sum);
        }

        // Backward evaluation of the continued fraction x + (1/2)/(x + (2/2)/(x + (3/2)/...)).
        var tail = x;
        for (var k = 200; k >= 1; k--)
        {
            tail = x + (k * 0.5 / tail);
        }

        return InverseRootPi / tail;
    }

    private static double[] Fit()
    {
        var coefficients = new double[Pieces * Nodes];
        Span<double> nodes = stackalloc double[Nodes];
        Span<double> values = stackalloc double[Nodes];
        for (var piece = 0; piece < Pieces; piece++)
        {
            for (var k = 0; k < Nodes; k++)
            {
                nodes[k] = 0.5 - (0.5 * Math.Cos(Math.PI * (k + 0.5) / Nodes));
                var t = (piece + nodes[k]) / Pieces;
                values[k] = Slow(4 * ((1 / t) - 1));
            }

            ToPolynomial(nodes, values, coefficients.AsSpan(piece * Nodes, Nodes));
        }

        return coefficients;
    }

    // Newton's divided differences, then expansion to powers.
    private static void ToPolynomial(ReadOnlySpan<double> nodes, Span<double> values, Span<double> powers)
    {
        for (var order = 1; order < Nodes; order++)
        {
            for (var k = Nodes - 1; k >= order; k--)
            {
                values[k] = (values[k] - values[k - 1]) / (nodes[k] - nodes[k - order]);
            }
        }

        powers.Clear();
        for (var k = Nodes - 1; k >= 0; k--)
        {
            for (var j = Nodes - 1; j >= 1; j--)
            {
                powers[j] = powers[j - 1] - (nodes[k] * powers[j]);
            }

            powers[0] = values[k] - (nodes[k] * powers[0]);
        }
    }
}
