namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>The tilted distribution of a composed loss on a window of the grid, and what it says about delta and epsilon.</summary>
/// <param name="step">Nats between grid points.</param>
/// <param name="first">Grid index of the first mass.</param>
/// <param name="mass">Tilted masses; together 1.</param>
/// <param name="theta">The tilt.</param>
/// <param name="logMoment">ln E e^(theta loss), which undoes the normalisation.</param>
/// <param name="count">How many losses were added, for the error bound.</param>
internal sealed class TiltedWindow(double step, long first, double[] mass, double theta, double logMoment, double count)
{
    // Relative error of the transform's power, summed over all masses: by Parseval at most about (count + log2 length) units of rounding.
    private double Noise => ((16 * count) + 1000) * 2.3e-16;

    public double DeltaAt(double epsilon, double infinite, bool above)
    {
        var (p, q) = (0.0, 0.0);
        for (var i = mass.Length - 1; i >= 0; i--)
        {
            var x = (first + i) * step;
            if (x <= epsilon)
            {
                break;
            }

            var weight = Math.Max(0, mass[i]) * Math.Exp(logMoment - (theta * x));
            p += weight;
            q += weight * Math.Exp(epsilon - x);
        }

        return Math.Clamp(p - q + infinite + ((above ? 1 : -1) * Error(epsilon)), 0, 1);
    }

    public double EpsilonAt(double delta, double infinite, bool above)
    {
        // From the top down: with all losses above x summed up, delta(epsilon) = p - e^epsilon q for epsilon in the next cell below.
        var (p, q) = (0.0, 0.0);
        for (var i = mass.Length - 1; i >= 0; i--)
        {
            var x = (first + i) * step;
            var target = delta - infinite - ((above ? 1 : -1) * Error(x - step));
            var weight = Math.Max(0, mass[i]) * Math.Exp(logMoment - (theta * x));
            p += weight;
            q += weight * Math.Exp(-x);
            if (p - (q * Math.Exp(x - step)) > target)
            {
                var epsilon = p > target ? Math.Log((p - target) / q) : double.NegativeInfinity;
                return Math.Max(0, Math.Clamp(epsilon, x - step, x));
            }
        }

        return Math.Max(0, above ? first * step : 0);
    }

    private double Error(double epsilon) => double.IsNegativeInfinity(logMoment) ? 0 : Noise * Math.Exp(logMoment - (theta * epsilon));
}
