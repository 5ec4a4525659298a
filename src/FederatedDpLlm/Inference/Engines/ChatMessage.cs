namespace FederatedDpLlm.Inference.Engines;

/// <param name="Role"><c>system</c>, <c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">Text.</param>
public sealed record ChatMessage(string Role, string Content)
{
    /// <summary>Its length only: what people ask is not for logs.</summary>
    public override string ToString() => $"ChatMessage ({Content.Length} characters by {Role})";
}
