namespace FederatedDpLlm.Models.Serving;

/// <summary>A stream was not let in; nothing was computed.</summary>
public sealed class ServingRefusedException(ServingRefusal refusal, string message) : Exception(message)
{
    /// <summary>Why.</summary>
    public ServingRefusal Refusal { get; } = refusal;
}
