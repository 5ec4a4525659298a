namespace FederatedDpLlm.Models.Llama;

/// <summary>A sequence would grow beyond the model's context.</summary>
/// <param name="contextTokens">The longest sequence, in tokens.</param>
public sealed class ContextOverflowException(int contextTokens) : Exception($"The text is longer than the model's context of {contextTokens} tokens.")
{
    /// <summary>The longest sequence, in tokens.</summary>
    public int ContextTokens { get; } = contextTokens;
}
