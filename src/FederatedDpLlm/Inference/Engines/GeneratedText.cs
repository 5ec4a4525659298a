namespace FederatedDpLlm.Inference.Engines;

/// <summary>A piece of a plain answer as an engine writes it.</summary>
/// <param name="Text">What to append; may be empty.</param>
/// <param name="Tokens">How many tokens of the answer it stands for; 0 for text that was held back and comes at the end.</param>
/// <param name="Finish">How the answer ended, where the engine says so with this piece.</param>
public sealed record GeneratedText(string Text, int Tokens = 1, FinishReason? Finish = null)
{
    /// <summary>What the whole answer took, with the last piece of an engine that counts.</summary>
    public EngineUsage? Usage { get; init; }

    /// <summary>Its length only: an answer is not for logs.</summary>
    public override string ToString() => $"GeneratedText ({Text.Length} characters)";
}
