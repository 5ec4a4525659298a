namespace FederatedDpLlm.Models.Llama;

/// <summary>How rotary frequencies are stretched for longer contexts (<c>rope_scaling</c> of config.json).</summary>
/// <param name="Kind">None, linear, or Llama 3's by wavelength.</param>
/// <param name="Factor">The stretch, at least 1.</param>
/// <param name="LowFrequencyFactor">Llama 3: wavelengths above original/low are stretched in full.</param>
/// <param name="HighFrequencyFactor">Llama 3: wavelengths below original/high are left alone.</param>
/// <param name="OriginalContext">Llama 3: tokens of the original training context.</param>
public sealed record RotaryScaling(RotaryScalingKind Kind, double Factor, double LowFrequencyFactor, double HighFrequencyFactor, int OriginalContext)
{
    /// <summary>Frequencies as they are.</summary>
    public static RotaryScaling None { get; } = new(RotaryScalingKind.None, 1, 1, 1, 0);
}
