namespace FederatedDpLlm.Privacy;

/// <summary>The privacy loss bound epsilon, in natural-log units: finite and at least 0.</summary>
public readonly record struct Epsilon : IComparable<Epsilon>
{
    /// <param name="value">Finite, at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="value"/> is negative, infinite or not a number.</exception>
    public Epsilon(double value)
    {
        if (!double.IsFinite(value) || value < 0)
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, "Epsilon is a finite number of at least 0.");
        }

        Value = value;
    }

    /// <summary>Natural-log units.</summary>
    public double Value { get; }

    /// <inheritdoc/>
    public int CompareTo(Epsilon other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("R", System.Globalization.CultureInfo.InvariantCulture);
}
