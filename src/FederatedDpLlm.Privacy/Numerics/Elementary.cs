namespace FederatedDpLlm.Privacy.Numerics;

/// <summary>
/// ln(1+x) and e^x - 1 that keep their relative accuracy near 0: <see cref="double.LogP1(double)"/> and <see cref="double.ExpM1(double)"/> are
/// <c>Log(1+x)</c> and <c>Exp(x)-1</c> and lose every digit there.
/// </summary>
/// <remarks>
/// Both use the classical correction (Kahan; Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., 1.14.1) and are within 2^-50 of the true
/// value, relatively, for a platform logarithm and exponential within 1 unit in the last place; tests hold them to that.
/// </remarks>
internal static class Elementary
{
    /// <summary>Bound on the relative error of both functions.</summary>
    public const double RelativeError = 1.0 / (1L << 50);

    public static double LogOnePlus(double x)
    {
        var sum = 1 + x;
        if (sum == 1 || double.IsPositiveInfinity(sum))
        {
            return x;
        }

        return sum <= 0 ? Math.Log(sum) : Math.Log(sum) * (x / (sum - 1));
    }

    public static double ExpMinusOne(double x)
    {
        if (Math.Abs(x) > 1)
        {
            return Math.Exp(x) - 1;
        }

        var exp = Math.Exp(x);
        if (exp == 1)
        {
            return x;
        }

        return (exp - 1) * (x / Math.Log(exp));
    }
}
