namespace FederatedDpLlm.Inference.Engines.Remote;

/// <summary>A token that may come next.</summary>
/// <param name="Text">As the server writes it; for part of a character not its text.</param>
/// <param name="LogProbability">At most 0.</param>
internal sealed record TokenCandidate(string Text, double LogProbability)
{
    /// <summary>Its number in the model's vocabulary; null where the server shows texts only.</summary>
    public int? Id { get; init; }

    /// <summary>Its bytes of UTF-8, which may be part of a character; null where the server shows none.</summary>
    public byte[]? Bytes { get; init; }

    /// <summary>Whether <see cref="Text"/> can be sent back: servers write part of a character as U+FFFD, vLLM as "bytes:\x..".</summary>
    public bool IsWholeText => !Text.Contains('\uFFFD', StringComparison.Ordinal) && !Text.StartsWith("bytes:", StringComparison.Ordinal);

    /// <summary>Its length only: what a model answers is not for logs.</summary>
    public override string ToString() => $"TokenCandidate ({Text.Length} characters)";
}
