namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>An accountant cannot bound this event, and says so instead of guessing.</summary>
public sealed class UnaccountableEventException(string accountant, PrivacyEvent refused, string? why = null)
    : NotSupportedException($"{accountant} cannot cost {refused?.GetType().Name}{(why is null ? "" : ": " + why)}.")
{
    /// <summary>What was refused.</summary>
    public PrivacyEvent Refused { get; } = refused ?? throw new ArgumentNullException(nameof(refused));
}
