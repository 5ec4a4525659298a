namespace FederatedDpLlm.Inference;

public enum FinishReason
{
    /// <summary>The end token, a stop text, or a chosen option.</summary>
    Stop,

    /// <summary>The longest answer asked for.</summary>
    Length,
}
