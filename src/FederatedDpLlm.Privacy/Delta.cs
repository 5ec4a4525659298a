namespace FederatedDpLlm.Privacy;

/// <summary>The probability delta with which an epsilon bound may fail: at least 0, below 1.</summary>
public readonly record struct Delta
{
    /// <param name="value">At least 0, below 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="value"/> is out of range or not a number.</exception>
    public Delta(double value)
    {
        if (!(value >= 0 && value < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, "Delta is a number of at least 0 and below 1.");
        }

        Value = value;
    }

    /// <summary>A probability.</summary>
    public double Value { get; }

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("R", System.Globalization.CultureInfo.InvariantCulture);
}
