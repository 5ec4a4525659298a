using System.Diagnostics.CodeAnalysis;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>A step's result: a value, or the reason why there is none.</summary>
public sealed class Outcome<T>
    where T : notnull
{
    private Outcome(T? value, Refusal? refusal)
    {
        Value = value;
        Refusal = refusal;
    }

    /// <summary>Null where the step was refused.</summary>
    public T? Value { get; }

    /// <summary>Null where the step was taken.</summary>
    public Refusal? Refusal { get; }

    /// <summary>Whether the step was taken.</summary>
    [MemberNotNullWhen(true, nameof(Value)), MemberNotNullWhen(false, nameof(Refusal))]
    public bool IsAccepted => Refusal is null;

    /// <summary>The value.</summary>
    /// <exception cref="InvalidOperationException">The step was refused.</exception>
    public T Required => IsAccepted ? Value : throw new InvalidOperationException($"Refused: {Refusal.Code}" + (Refusal.Blamed is { } blamed ? $", client {blamed}" : ""));

    internal static Outcome<T> Accepted(T value) => new(value, null);

    internal static Outcome<T> Refused(RefusalCode code, int? blamed = null) => new(default, new Refusal(code, blamed));

    internal static Outcome<T> Refused(Refusal refusal) => new(default, refusal);
}
