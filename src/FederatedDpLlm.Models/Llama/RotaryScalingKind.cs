namespace FederatedDpLlm.Models.Llama;

/// <summary>The rotary scalings that the engine knows.</summary>
public enum RotaryScalingKind
{
    /// <summary>No scaling.</summary>
    None,

    /// <summary>Every frequency divided by the factor.</summary>
    Linear,

    /// <summary>Llama 3.1's: low frequencies divided, high ones kept, a ramp between.</summary>
    Llama3,
}
