using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Calibration;

/// <summary>From a promise to the noise that keeps it, for any plan whose cost falls as its noise grows.</summary>
public static class NoiseCalibration
{
    /// <summary>The smallest noise multiplier (within a relative 1e-7, never below) with which the plan keeps the promise.</summary>
    /// <param name="plan">The event at a noise multiplier.</param>
    /// <param name="epsilon">The promise.</param>
    /// <param name="delta">The promise.</param>
    /// <param name="accountant">epsilon of an event at a delta; by default the upper end of <see cref="PrivacyLoss.EpsilonAt"/>.</param>
    /// <exception cref="ArithmeticException">No noise up to 1e12 is enough.</exception>
    public static double Smallest(Func<double, PrivacyEvent> plan, Epsilon epsilon, Delta delta, Func<PrivacyEvent, Delta, double>? accountant = null)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var cost = accountant ?? ((released, at) => PrivacyLoss.EpsilonAt(released, at).Upper);
        return Smallest(noise => cost(plan(noise), delta) <= epsilon.Value);
    }

    /// <summary>The smallest argument (within a relative 1e-7, never below) from which a condition holds.</summary>
    public static double Smallest(Func<double, bool> isEnough)
    {
        ArgumentNullException.ThrowIfNull(isEnough);
        var high = 1.0;
        while (!isEnough(high))
        {
            high *= 4;
            if (high > 1e12)
            {
                throw new ArithmeticException("No noise up to 1e12 times the sensitivity keeps this promise.");
            }
        }

        var low = high / 4;
        while (low > 1e-12 && isEnough(low))
        {
            (low, high) = (low / 4, low);
        }

        while (high - low > 1e-7 * high)
        {
            var middle = Math.Sqrt(low * high);
            (low, high) = isEnough(middle) ? (low, middle) : (middle, high);
        }

        return high;
    }

    /// <summary>The smallest standard deviation of Gaussian noise for one release, in closed form (Balle, Wang, arXiv:1805.06530).</summary>
    /// <param name="epsilon">The promise.</param>
    /// <param name="delta">Above 0.</param>
    /// <param name="l2Sensitivity">At least 0, under whichever relation the promise is made.</param>
    public static double GaussianSigma(Epsilon epsilon, Delta delta, double l2Sensitivity)
    {
        var mu = GaussianProfile.MuFor(epsilon, delta);
        return l2Sensitivity == 0 ? 0 : mu == 0 ? double.PositiveInfinity : l2Sensitivity / mu * (1 + 1e-15);
    }
}
