using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// Gaussian noise in closed form, as a function of mu = L2 sensitivity / sigma (mu-GDP): delta(epsilon) = Phi(mu/2 - epsilon/mu) - e^epsilon Phi(-mu/2 - epsilon/mu).
/// </summary>
/// <remarks>
/// Balle, Wang, arXiv:1805.06530, Theorem 8; composition: mu^2 adds (Dong, Roth, Su, arXiv:1905.02383, Corollary 3.3), which is also a valid filter for adaptively chosen mu
/// (Smith, Thakurta, arXiv:2210.17520; Koskela, Tobaben, Honkela, arXiv:2209.15596).
/// </remarks>
public static class GaussianProfile
{
    // The relative error of delta: that of e^(-x^2/2) grows with x^2/2, which is the logarithm of the result.
    private const double Slack = 1e-12;

    /// <summary>delta at an epsilon (which may be negative) for mu at least 0 (possibly infinite), to a relative 1e-12 where mu is above 1e-3.</summary>
    public static double DeltaAt(double mu, double epsilon)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(mu);
        ArgumentOutOfRangeException.ThrowIfEqual(double.IsNaN(mu) || double.IsNaN(epsilon), true, nameof(epsilon));
        if (mu == 0)
        {
            return epsilon >= 0 ? 0 : -Elementary.ExpMinusOne(epsilon);
        }

        if (double.IsPositiveInfinity(mu))
        {
            return 1;
        }

        double a = (epsilon / mu) - (mu / 2), b = (epsilon / mu) + (mu / 2);
        if (a < 0)
        {
            // Away from the upper tail the two terms differ enough; e^epsilon Above(b) = density(a)/density(b) Above(b).
            return Math.Clamp(Normal.Above(a) - (b >= 0 ? Scaled(a, b) : Math.Exp(epsilon) * Normal.Above(b)), 0, 1);
        }

        const double Root2 = 1.41421356237309504880;
        return 0.5 * Math.Exp(-0.5 * a * a) * (Normal.ScaledErfc(a / Root2) - Normal.ScaledErfc(b / Root2));
    }

    /// <summary>The smallest epsilon, at least 0, for mu and delta, rounded up; infinite where there is none.</summary>
    public static double EpsilonAt(double mu, Delta delta)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(mu);
        if (mu == 0)
        {
            return 0;
        }

        if (delta.Value == 0 || double.IsPositiveInfinity(mu))
        {
            return double.PositiveInfinity;
        }

        // At epsilon = mu (z + mu/2) already the first term alone is delta, and the second takes from it.
        var high = mu * (Math.Max(0, Normal.InverseAbove(delta.Value)) + (mu / 2));
        return DeltaAt(mu, 0) * (1 + Slack) <= delta.Value ? 0 : Crossing.Falling(epsilon => Excess(DeltaAt(mu, epsilon), delta), 0, high);
    }

    /// <summary>The largest mu that keeps (epsilon, delta), rounded down: noise of L2 sensitivity / mu is enough.</summary>
    public static double MuFor(Epsilon epsilon, Delta delta)
    {
        if (delta.Value == 0)
        {
            return 0;
        }

        // Brackets: mu below the one that the first term alone allows is safe; twice it, and so on, until it is not.
        var high = 1.0;
        while (DeltaAt(high, epsilon.Value) <= delta.Value)
        {
            high *= 2;
        }

        return 1 / Crossing.Falling(inverse => Excess(DeltaAt(1 / inverse, epsilon.Value), delta), 1 / high, FirstSafe(1 / high, epsilon, delta));
    }

    private static double FirstSafe(double inverse, Epsilon epsilon, Delta delta)
    {
        do
        {
            inverse *= 2;
        }
        while (Excess(DeltaAt(1 / inverse, epsilon.Value), delta) > 0);
        return inverse;
    }

    private static double Excess(double computed, Delta delta) => computed <= 0 ? -1 : Math.Log(computed / delta.Value) + Slack;

    private static double Scaled(double a, double b)
    {
        const double Root2 = 1.41421356237309504880;
        return 0.5 * Math.Exp(-0.5 * a * a) * Normal.ScaledErfc(b / Root2);
    }
}
