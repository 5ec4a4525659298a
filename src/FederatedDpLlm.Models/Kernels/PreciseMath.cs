namespace FederatedDpLlm.Models.Kernels;

/// <summary>
/// exp, log, sine and cosine in double from additions and multiplications alone, so that tables and learning rates have the same bits on every machine
/// (the runtime's call the C library, which differs). Error below 1e-14 relative (sine and cosine: absolute) on the ranges named.
/// </summary>
internal static class PreciseMath
{
    private const double Ln2 = 0.693147180559945309417;

    /// <summary>e^x for |x| up to 700.</summary>
    public static double Exp(double x)
    {
        var n = Math.Floor(x / Ln2 + 0.5);
        var r = x - n * Ln2;
        var (sum, term) = (1.0, 1.0);
        for (var k = 1; k < 20; k++)
        {
            term *= r / k;
            sum += term;
        }

        return Math.ScaleB(sum, (int)n);
    }

    /// <summary>ln x for normal x > 0, by the series of atanh.</summary>
    public static double Log(double x)
    {
        var exponent = Math.ILogB(x);
        var mantissa = Math.ScaleB(x, -exponent);
        var z = (mantissa - 1) / (mantissa + 1);
        var (sum, power) = (0.0, z);
        for (var k = 1; k < 60; k += 2)
        {
            sum += power / k;
            power *= z * z;
        }

        return 2 * sum + exponent * Ln2;
    }

    /// <summary>Sine and cosine for |x| up to 1e6.</summary>
    public static (double Sin, double Cos) SinCos(double x)
    {
        // Pi/2 in two parts: the first has 33 bits, so that its products with a quarter's number are exact.
        const double HalfPiHigh = 1.57079632673412561417e+00;
        const double HalfPiLow = 6.07710050650619224932e-11;
        var quarter = Math.Floor(x / (Math.PI / 2) + 0.5);
        var r = x - quarter * HalfPiHigh - quarter * HalfPiLow;
        var (sin, cos) = (Series(r, r, 1), Series(1, r, 0));
        return ((long)quarter & 3) switch
        {
            0 => (sin, cos),
            1 => (cos, -sin),
            2 => (-sin, -cos),
            _ => (-cos, sin),
        };
    }

    private static double Series(double first, double r, int power)
    {
        var (sum, term) = (first, first);
        for (var k = power + 2; k < 24; k += 2)
        {
            term *= -r * r / (k * (k - 1));
            sum += term;
        }

        return sum;
    }
}
