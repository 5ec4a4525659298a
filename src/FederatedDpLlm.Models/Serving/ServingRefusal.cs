namespace FederatedDpLlm.Models.Serving;

/// <summary>Why a stream was not let in.</summary>
public enum ServingRefusal
{
    /// <summary>As many streams wait as may; later there may be room.</summary>
    QueueFull,

    /// <summary>Prompt and answer together are longer than the model's context.</summary>
    TooLong,

    /// <summary>Prompt and answer together take more memory than all streams may.</summary>
    TooLarge,

    /// <summary>The shortest answer of the form that is asked for may take more tokens than the answer may have.</summary>
    TooFewTokens,
}
