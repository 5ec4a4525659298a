namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// How much privacy was lost so far, valid at every moment at once, also at one that was picked by looking at it: events may be chosen adaptively and there is no budget.
/// </summary>
/// <remarks>
/// For each k the filter of the sum 2^k s holds its loss below sqrt(2 ln(1/delta_k) 2^k s) + 2^k s/2 but for a chance of delta_k (Whitehouse, Ramdas, Rogers, Wu, ICML 2023, arXiv:2203.05481,
/// Theorem 1). All of them hold together but for the sum of the delta_k = 6 delta/(pi k)^2, which is delta; what was spent lies below one of them at any time (the doubling of Rogers, Roth, Ullman, Vadhan,
/// arXiv:1605.08294). The price over a filter is a factor of up to about 1.5. For pure epsilon alone a plain sum is an odometer, at delta 0.
/// </remarks>
public sealed class PrivacyOdometer
{
    private readonly Delta _delta;
    private readonly double _finest;
    private double _spent;

    /// <param name="delta">The chance that any of the readings is too low; above 0.</param>
    /// <param name="finest">The smallest sum of epsilon squared that readings tell apart, above 0: below it they all say the same.</param>
    public PrivacyOdometer(Delta delta, double finest = 1e-4)
    {
        if (delta.Value == 0)
        {
            throw new ArgumentOutOfRangeException(nameof(delta), delta, "An odometer's delta is above 0.");
        }

        _delta = delta;
        _finest = Require.Positive(finest);
    }

    /// <summary>Charges what was released.</summary>
    /// <exception cref="UnaccountableEventException">The event has no rho, and nothing was charged.</exception>
    public void Charge(PrivacyEvent released) => _spent = Numerics.Rounded.AddUp(_spent, Currency.Advanced(_delta).CostOf(released));

    /// <summary>The loss so far, at most this but for a chance of delta over all readings together; infinite where nothing bounds it.</summary>
    public double Epsilon
    {
        get
        {
            if (_spent == 0 || double.IsInfinity(_spent))
            {
                return _spent;
            }

            var (k, bound) = (1, _finest);
            for (; bound < _spent; bound *= 2)
            {
                k++;
            }

            // 6/pi^2 = 0.6079...
            return Currency.Advanced(new(_delta.Value * 0.6079 / ((double)k * k))).EpsilonOf(bound);
        }
    }
}
