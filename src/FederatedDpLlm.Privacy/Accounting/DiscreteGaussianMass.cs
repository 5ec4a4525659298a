namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>The probabilities of discrete noise, normalised over all integers.</summary>
public static class DiscreteGaussianMass
{
    /// <summary>x to P(x) for the discrete Gaussian of parameter sigma above 0, to a relative 1e-13.</summary>
    public static Func<long, double> Of(double sigma)
    {
        Require.Positive(sigma);
        var total = Total(sigma);
        return x => Math.Exp(-0.5 * (x / sigma) * (x / sigma)) / total;
    }

    /// <summary>The variance, a little below sigma^2 where sigma is small.</summary>
    public static double Variance(double sigma)
    {
        var mass = Of(sigma);
        var sum = 0.0;
        for (var x = (long)Math.Ceiling(40 * sigma); x >= 1; x--)
        {
            sum += 2 * (double)x * x * mass(x);
        }

        return sum;
    }

    // Above sigma 4 Poisson summation leaves sigma sqrt(2 pi) (1 + 2 e^(-2 pi^2 sigma^2)), and the second term is below 1e-136.
    private static double Total(double sigma)
    {
        if (sigma > 4)
        {
            return sigma * Math.Sqrt(2 * Math.PI);
        }

        var sum = 0.0;
        for (var x = (long)Math.Ceiling(40 * sigma); x >= 1; x--)
        {
            sum += 2 * Math.Exp(-0.5 * (x / sigma) * (x / sigma));
        }

        return 1 + sum;
    }
}
