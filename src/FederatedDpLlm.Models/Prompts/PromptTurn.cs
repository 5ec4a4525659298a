namespace FederatedDpLlm.Models.Prompts;

/// <summary>One message of a chat.</summary>
/// <param name="Role"><c>system</c>, <c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">Plain text.</param>
public sealed record PromptTurn(string Role, string Content);
