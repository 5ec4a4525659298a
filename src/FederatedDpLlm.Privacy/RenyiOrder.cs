namespace FederatedDpLlm.Privacy;

/// <summary>The order alpha of a Renyi divergence: at least 1 (Kullback-Leibler), possibly infinite (pure epsilon).</summary>
public readonly record struct RenyiOrder
{
    private readonly double _excess;

    /// <param name="value">At least 1; may be infinite.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="value"/> is below 1 or not a number.</exception>
    public RenyiOrder(double value)
    {
        if (!(value >= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, "A Renyi order is at least 1.");
        }

        _excess = value - 1;
    }

    /// <summary>alpha.</summary>
    public double Value => 1 + _excess;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("R", System.Globalization.CultureInfo.InvariantCulture);
}
