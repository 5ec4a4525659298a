namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>A mixture of Gaussians against one Gaussian, the larger of both directions, by the trapezoidal rule (see <see cref="SampledGaussianRenyi"/>).</summary>
internal static class MixtureRenyi
{
    private const double Slack = 1e-10;
    private const double Reach = 10;
    private const double MostSteps = 1e6;

    public static double Divergence(MixtureOfGaussiansEvent mixture, double alpha)
    {
        var parts = mixture.Sensitivities.Zip(mixture.Probabilities, (s, p) => (Mean: s / mixture.Sigma, LogWeight: Math.Log(p)))
            .Where(part => part.LogWeight > double.NegativeInfinity).ToArray();
        var largest = parts.Max(part => part.Mean);
        if (largest == 0)
        {
            return 0;
        }

        // Conditioning on the draw: no divergence exceeds that of the largest sensitivity.
        var bound = 0.5 * alpha * largest * largest * (1 + 1e-14);
        if (!(largest * ((alpha * largest) + Reach) < MostSteps))
        {
            return bound;
        }

        if (alpha == 1)
        {
            // Divergences grow with the order.
            alpha = 1 + 1e-6;
        }

        var remove = LogMoment(parts, alpha, largest) / (alpha - 1);
        var add = LogMoment(parts, 1 - alpha, largest) / (alpha - 1);
        return Math.Min(bound, (Math.Max(0, Math.Max(remove, add)) * (1 + Slack)) + (1e-14 / (alpha - 1)));
    }

    // ln E_Q[(P/Q)^power] with Q = N(0, 1).
    private static double LogMoment((double Mean, double LogWeight)[] parts, double power, double largest)
    {
        double step = Math.Min(0.25, 0.5 / largest), reach = (Math.Abs(power) * largest) + Reach;
        var (peak, sum) = (double.NegativeInfinity, 0.0);
        for (var z = -reach; z <= reach; z += step)
        {
            var exponent = (power * LogRatio(parts, z)) - (0.5 * z * z);
            if (exponent > peak)
            {
                (sum, peak) = ((sum * Math.Exp(peak - exponent)) + 1, exponent);
            }
            else
            {
                sum += Math.Exp(exponent - peak);
            }
        }

        return peak + Math.Log(sum * step / Math.Sqrt(2 * Math.PI));
    }

    private static double LogRatio((double Mean, double LogWeight)[] parts, double z)
    {
        var largest = double.NegativeInfinity;
        foreach (var (mean, weight) in parts)
        {
            largest = Math.Max(largest, weight + (mean * (z - (mean / 2))));
        }

        var sum = 0.0;
        foreach (var (mean, weight) in parts)
        {
            sum += Math.Exp(weight + (mean * (z - (mean / 2))) - largest);
        }

        return largest + Math.Log(sum);
    }
}
