namespace FederatedDpLlm.Inference.Engines.Remote;

/// <summary>A chat's answer that came in one piece.</summary>
/// <param name="Text">Null where the answer holds none.</param>
/// <param name="Candidates">Of its first token; empty where the server shows none.</param>
internal sealed record ChatReply(string? Text, IReadOnlyList<TokenCandidate> Candidates)
{
    public override string ToString() => $"ChatReply ({Text?.Length ?? 0} characters)";
}
