namespace FederatedDpLlm.Privacy;

/// <summary>The zero-concentrated differential privacy bound rho (Bun, Steinke, arXiv:1605.02065): finite and at least 0.</summary>
public readonly record struct Rho : IComparable<Rho>
{
    /// <param name="value">Finite, at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="value"/> is negative, infinite or not a number.</exception>
    public Rho(double value)
    {
        if (!double.IsFinite(value) || value < 0)
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, "Rho is a finite number of at least 0.");
        }

        Value = value;
    }

    /// <summary>The bound; mechanisms run one after another add theirs up.</summary>
    public double Value { get; }

    /// <inheritdoc/>
    public int CompareTo(Rho other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("R", System.Globalization.CultureInfo.InvariantCulture);
}
